"""The client held to its promises by a platform that was written apart from it."""
