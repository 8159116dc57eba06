"""How bytes reach a client: the WebSocket endpoint and the class uvicorn serves it with."""
