"""Where pixels and samples are, and the one engine that streams over them."""
