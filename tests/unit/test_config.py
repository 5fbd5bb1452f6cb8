"""Settings: arguments over environment over file over defaults, and mistakes told with their place."""

import pytest

from multichat_tui.config import MAX_CONFIG_BYTES, Arguments, check_address, load
from multichat_tui.model.errors import StorageFailed, UsageError


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def write(home, text):
    (home / "config.toml").write_text(text)
    return Arguments(home=str(home))


def test_defaults(home):
    settings = load(Arguments(home=str(home)), {})
    assert (settings.profile, settings.listen, settings.lan, settings.connect) == ("default", None, True, ())
    assert settings.passphrase is None


def test_everything_lies_below_a_home(home):
    paths = load(Arguments(home=str(home), profile="work"), {}).paths
    for path in (paths.config_file, paths.profile, paths.log_file):
        assert home in path.parents
    assert paths.profile != load(Arguments(home=str(home)), {}).paths.profile


def test_the_environment_names_a_home_and_an_argument_another(home, tmp_path):
    assert home in load(Arguments(), {"MULTICHAT_HOME": str(home)}).paths.profile.parents
    assert tmp_path / "b" in load(Arguments(home=str(tmp_path / "b")), {"MULTICHAT_HOME": str(home)}).paths.profile.parents


def test_without_a_home_the_platforms_directories_are_used(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    paths = load(Arguments(), {}).paths
    for path in (paths.config_file, paths.profile, paths.log_file):
        assert tmp_path in path.parents
        assert "multichat" in str(path)


def test_arguments_beat_environment_beats_file(home):
    arguments = write(home, 'listen = "10.0.0.1:1"\nlan = false\nprofile = "filed"\nconnect = ["a:1"]\n')
    settings = load(arguments, {})
    assert (settings.listen, settings.lan, settings.profile, settings.connect) == ("10.0.0.1:1", False, "filed", ("a:1",))
    environment = {
        "MULTICHAT_LISTEN": "10.0.0.2:2",
        "MULTICHAT_LAN": "on",
        "MULTICHAT_PROFILE": "env",
        "MULTICHAT_CONNECT": "b:2, c:3",
    }
    settings = load(arguments, environment)
    assert (settings.listen, settings.lan, settings.profile) == ("10.0.0.2:2", True, "env")
    assert settings.connect == ("b:2", "c:3")
    said = Arguments(home=str(home), listen="[::1]:3", lan=False, profile="arg", connect=("d:4",))
    settings = load(said, environment)
    assert (settings.listen, settings.lan, settings.profile, settings.connect) == ("[::1]:3", False, "arg", ("d:4",))


def test_an_unknown_key_names_file_key_and_the_nearest(home):
    arguments = write(home, 'lisen = "x:1"\n')
    with pytest.raises(UsageError) as caught:
        load(arguments, {})
    for part in (str(home / "config.toml"), "'lisen'", "'listen'"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("listen = 3\n", "listen needs a text"),
        ('lan = "yes"\n', "lan needs true or false"),
        ('connect = "a:1"\n', "connect needs a list"),
        ("connect = [1]\n", "connect needs a list"),
        ("[listen]\n", "listen needs a text"),
        ("no toml", "is no TOML"),
        ('listen = "nowhere"\n', "HOST:PORT"),
        ('connect = ["x"]\n', "HOST:PORT"),
        ('profile = "../x"\n', "profile's name"),
        ("a = " + "[" * 5000, "is no TOML"),
    ],
)
def test_mistakes_in_the_file_are_told(home, text, says):
    arguments = write(home, text)
    with pytest.raises(UsageError, match=says):
        load(arguments, {})


def test_a_file_that_is_no_text_or_too_large_is_told(home):
    (home / "config.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is no TOML"):
        load(Arguments(home=str(home)), {})
    (home / "config.toml").write_bytes(b"#" * (MAX_CONFIG_BYTES + 1))
    with pytest.raises(UsageError, match="larger"):
        load(Arguments(home=str(home)), {})
    (home / "config.toml").unlink()
    (home / "config.toml").mkdir()
    with pytest.raises(StorageFailed, match="cannot be read"):
        load(Arguments(home=str(home)), {})


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "x" * 49, "a b", "é"])
def test_profile_names_cannot_leave_their_directory(home, name):
    if not name:
        assert load(Arguments(home=str(home), profile=name), {}).profile == "default"
        return
    with pytest.raises(UsageError, match="profile"):
        load(Arguments(home=str(home), profile=name), {})


def test_a_switch_of_the_environment_is_on_or_off(home):
    assert load(Arguments(home=str(home)), {"MULTICHAT_LAN": "no"}).lan is False
    with pytest.raises(UsageError, match="MULTICHAT_LAN"):
        load(Arguments(home=str(home)), {"MULTICHAT_LAN": "maybe"})


def test_passphrases_come_from_file_or_environment_and_are_never_shown(home):
    (home / "p").write_text("correct horse\nnot this\n")
    settings = load(Arguments(home=str(home), passphrase_file=str(home / "p")), {"MULTICHAT_PASSPHRASE": "other"})
    assert settings.passphrase == "correct horse"
    assert "correct horse" not in repr(settings)
    assert load(Arguments(home=str(home)), {"MULTICHAT_PASSPHRASE": "other"}).passphrase == "other"
    assert load(Arguments(home=str(home)), {"MULTICHAT_PASSPHRASE_FILE": str(home / "p")}).passphrase == "correct horse"
    assert load(write(home, f'passphrase_file = "{home / "p"}"\n'), {}).passphrase == "correct horse"


@pytest.mark.parametrize(("content", "says"), [(b"", "empty line"), (b"\xff", "no UTF-8"), (b"x" * 2000, "too long")])
def test_unusable_passphrase_files_are_told(home, content, says):
    (home / "p").write_bytes(content)
    with pytest.raises(UsageError, match=says):
        load(Arguments(home=str(home), passphrase_file=str(home / "p")), {})


def test_a_missing_passphrase_file_is_told(home):
    with pytest.raises(UsageError, match="cannot be read"):
        load(Arguments(home=str(home), passphrase_file=str(home / "none")), {})


@pytest.mark.parametrize("address", ["h:1", "127.0.0.1:0", "[::1]:65535", "some-host.example:80"])
def test_addresses_with_a_port_are_taken(address):
    check_address(address, "listen")


BAD = ["", "h", ":1", "h:", "h:x", "h:65536", "::1:5", "[]:1", "h:-1", "h h:1", "h:1\n", "h\x1b:1", "h:²"]


@pytest.mark.parametrize("address", BAD)
def test_other_addresses_are_refused(address):
    with pytest.raises(UsageError, match="HOST:PORT"):
        check_address(address, "listen")
