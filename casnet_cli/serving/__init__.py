"""Pages and answers over HTTP on this machine. Its modules need the packages of the extra `web`."""
