-- What a user wrote is found by who they are: when they ask for it, and when they go.
CREATE INDEX room_push_author ON room_push ((author ->> 'id'), seq) WHERE author IS NOT NULL;
