"""Files: storage in S3 that other modules share. What is stored was checked, and is read by those who may."""
