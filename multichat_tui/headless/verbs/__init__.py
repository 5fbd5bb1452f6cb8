"""The commands of the command line, each a coroutine from a `Context` to an exit code."""
