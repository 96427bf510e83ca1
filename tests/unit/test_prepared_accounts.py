"""The accounts that `livinglab ui` prepares: one a role, each with a password of its own."""

import json
import stat

import pytest

from lakehouse.core.actors import Role
from lakehouse.errors import Damaged
from livinglab_airflow.settings import ACCOUNTS, airflow_folder, prepared_passwords


def test_each_role_has_an_account_and_those_who_only_look_are_viewers():
    assert set(ACCOUNTS) == set(map(str, Role))
    assert {name for name, role in ACCOUNTS.items() if role == "viewer"} == {"analyst", "auditor"}


def test_a_home_of_before_keeps_its_passwords_and_gets_the_one_it_lacks(tmp_path):
    kept = {"engineer": "e", "analyst": "a", "dpo": "d"}
    path = airflow_folder(tmp_path) / "passwords.json"
    path.write_text(json.dumps(kept))
    found = prepared_passwords(tmp_path)

    assert {name: found[name] for name in kept} == kept
    assert len(found["auditor"]) >= 16
    assert prepared_passwords(tmp_path) == found
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_password_is_another(tmp_path):
    assert len(set(prepared_passwords(tmp_path).values())) == len(ACCOUNTS)


@pytest.mark.parametrize("torn", ["{", "[]", ""])
def test_a_torn_file_says_what_helps(tmp_path, torn):
    (airflow_folder(tmp_path) / "passwords.json").write_text(torn)

    with pytest.raises(Damaged, match="cannot be parsed") as caught:
        prepared_passwords(tmp_path)
    assert "new password" in caught.value.remedy
