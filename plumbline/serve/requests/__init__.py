"""What each request to a service does, without HTTP: bytes in, `Reply` out, all in one thread."""
