"""What a command needs from the person or pipe before it starts: passphrases, a confirmation, a message on standard input.

Asked before there is an event loop, so that Ctrl+C ends a question at once. Nothing is asked where there is no terminal.
"""

import argparse
import getpass
import os
import sys

from multichat_tui.headless.host import Host
from multichat_tui.headless.launch import node_answers
from multichat_tui.model.errors import IntentRefused, Refusal, UsageError
from multichat_tui.model.limits import MAX_PASSPHRASE_BYTES, MAX_TEXT_CHARACTERS
from multichat_tui.node.api.launch import ProfileState

SOURCES = "Use --passphrase-file, or MULTICHAT_PASSPHRASE, or a terminal."
NEED_ACCOUNT = (("devices", "revoke"), ("devices", "settle"), ("account", "close"))
"""Open the account's key: also where a node runs that could do without the passphrase."""
MAX_PHRASE_CHARACTERS = 4096
WITHOUT_PROFILE = ("paths", "demo", "wipe", "complete-names")


def is_a_node(args: argparse.Namespace) -> bool:
    """Whether it runs until it is told to end."""
    return args.verb == "node" or (args.verb, args.action) == ("mailbox", "run")


def has_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def passphrase_for(args: argparse.Namespace, host: Host) -> str | None:
    """The passphrase that the command will need: from the settings, or asked for. None if it needs none."""
    if args.verb == "init":
        return _new_passphrase(args, host)
    if (args.verb, args.action) == ("mailbox", "run") and host.state() is ProfileState.NEW:
        # One command from nothing: whoever wants its profile locked says the passphrase.
        return host.passphrase
    if args.verb in WITHOUT_PROFILE or host.passphrase is not None:
        return host.passphrase
    needs_account = (args.verb, args.action) in NEED_ACCOUNT
    if not is_a_node(args) and not needs_account and node_answers(host):
        return None
    if host.state() is not ProfileState.LOCKED:
        return None
    if not has_terminal():
        raise UsageError("The profile is locked, and there is no passphrase.", SOURCES)
    return _ask("Passphrase: ")


def _new_passphrase(args: argparse.Namespace, host: Host) -> str | None:
    if args.no_passphrase:
        if args.passphrase_file:
            raise UsageError("--no-passphrase and --passphrase-file contradict each other.")
        return None
    if host.state() is not ProfileState.NEW:
        return None
    if host.passphrase is not None:
        if not host.passphrase:
            raise UsageError("The passphrase is empty.", "To have none, say --no-passphrase.")
        return host.passphrase
    if not has_terminal():
        raise UsageError("A new profile needs a passphrase.", f"{SOURCES} To have none, say --no-passphrase.")
    first = _ask("New passphrase: ")
    if not first:
        raise UsageError("The passphrase is empty.", "To have none, say --no-passphrase.")
    if _ask("Once more: ") != first:
        raise UsageError("The two are not the same.", "Nothing was made; try again.")
    return first


def ask_passphrase() -> str:
    """The passphrase of a locked profile."""
    return _ask("Passphrase: ")


def ask_new_passphrase() -> str | None:
    """A new passphrase, typed twice alike; None when it is left empty twice."""
    while True:
        first = _ask("New passphrase: ")
        if _ask("Once more: ") == first:
            return first or None
        print("The two are not the same. Choose it again.", file=sys.stderr)


def ask_line(prompt: str) -> str:
    """One line from the terminal. `errors.UsageError` at the end of the input."""
    print(prompt, end="", flush=True)
    line = sys.stdin.readline()
    if not line:
        raise UsageError("The input has ended.", "Nothing more was done.")
    return line.rstrip("\n")


def recovery_phrase(args: argparse.Namespace) -> str:
    """The recovery phrase: from a file, asked for, or from standard input. `errors.UsageError` where there is none."""
    if args.recovery_file:
        try:
            with open(os.path.expanduser(args.recovery_file), encoding="utf-8") as file:
                return file.read(MAX_PHRASE_CHARACTERS)
        except (OSError, UnicodeDecodeError):
            raise UsageError(f"{args.recovery_file} cannot be read.", "It has to hold the 24 words.") from None
    if has_terminal():
        print("Your recovery phrase, all 24 words in one line: ", end="", file=sys.stderr, flush=True)
    phrase = sys.stdin.readline(MAX_PHRASE_CHARACTERS) if has_terminal() else sys.stdin.read(MAX_PHRASE_CHARACTERS)
    if not phrase.strip():
        raise UsageError("No recovery phrase was given.", "Type it, pipe it in, or name a file with --recovery-file.")
    return phrase


def confirm_close(args: argparse.Namespace, host: Host) -> None:
    """As `confirm_wipe`, for the whole account."""
    if args.yes or host.state() is ProfileState.NEW:
        return
    if not has_terminal():
        raise UsageError("Closing an account has to be confirmed.", "Add --yes.")
    print("This tells your contacts that the account is not used any more, on all its devices, for good;", file=sys.stderr)
    print(f"and it deletes {host.paths.profile} with all its messages and keys.", file=sys.stderr)
    print("Type yes to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() != "yes":
        raise IntentRefused(Refusal.NOT_ALLOWED, "Nothing was closed.")


def _ask(prompt: str) -> str:
    try:
        answer = getpass.getpass(prompt, stream=sys.stderr)
    except EOFError:
        raise UsageError("No passphrase was given.", SOURCES) from None
    if len(answer.encode("utf-8", "replace")) > MAX_PASSPHRASE_BYTES:
        raise UsageError(f"A passphrase holds at most {MAX_PASSPHRASE_BYTES} bytes.")
    return answer


def confirm_wipe(args: argparse.Namespace, host: Host) -> None:
    """Returns if the user is sure. `errors.UsageError` where nobody can be asked, `errors.IntentRefused` if they are not."""
    if args.yes or host.state() is ProfileState.NEW:
        return
    if not has_terminal():
        raise UsageError("Deleting a profile has to be confirmed.", "Add --yes.")
    print(f"This deletes {host.paths.profile} with all its messages and keys, for good.", file=sys.stderr)
    print("Type yes to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() != "yes":
        raise IntentRefused(Refusal.NOT_ALLOWED, "Nothing was deleted.")


def posted_words(words: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """(channels, the words of the text) of a command line: what begins with # or @ first, but for the last word."""
    count = next((at for at, word in enumerate(words[:-1]) if word[:1] not in ("#", "@")), len(words) - 1)
    if not count:
        raise UsageError(
            "The channels come first, each with its #, then the text.", "Quote them: the shell takes a # for itself."
        )
    return tuple(words[:count]), words[count:]


def message_text(words: list[str]) -> str:
    """The message of a command line; a lone `-` is standard input without its last newline. `errors.UsageError`."""
    if words != ["-"]:
        return " ".join(words)
    encoded = sys.stdin.buffer.read(4 * MAX_TEXT_CHARACTERS + 2)
    try:
        text = encoded.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("The message on standard input is too long, or no UTF-8.") from None
    if len(text) > MAX_TEXT_CHARACTERS + 1:
        raise UsageError(f"A message holds at most {MAX_TEXT_CHARACTERS} characters.")
    return text.removesuffix("\n")
