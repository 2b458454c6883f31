"""The platform's API and nothing else: speaks HTTP and GraphQL, knows no pandas."""
