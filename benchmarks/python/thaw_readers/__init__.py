"""Reads exported models with the libraries that their users have, and says what they predict."""
