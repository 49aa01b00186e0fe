"""What a studio writes on the client that openapi-python-client generates: one class for each message, times as times."""

import datetime
import os

from aerie_client import AuthenticatedClient
from aerie_client.api.leaderboard import leaderboard_service_get_leaderboard as get_leaderboard
from aerie_client.api.users import (
    user_service_create_user as create_user,
    user_service_delete_user as delete_user,
    user_service_get_user as get_user,
    user_service_list_users as list_users,
    user_service_update_user as update_user,
)
from aerie_client.models import CreateUserRequest, Error, Leaderboard, ListUsersResponse, UpdateUserRequest, User
from aerie_client.models.leaderboard_service_get_leaderboard_window import LeaderboardServiceGetLeaderboardWindow
from aerie_client.types import UNSET

client = AuthenticatedClient(base_url=os.environ["AERIE_URL"], token=os.environ["AERIE_SECRET"])

made = create_user.sync(client=client, body=CreateUserRequest(name="Ada", email="python@example.com", age=36))
assert isinstance(made, User), made
assert isinstance(made.created_at, datetime.datetime) and made.created_at.tzinfo is not None
assert (made.age, made.version) == (36, 1)

# None is null: in a change it clears the field.
cleared = update_user.sync(made.id, client=client, body=UpdateUserRequest(age=None), if_match='"1"')
assert isinstance(cleared, User) and cleared.age is UNSET and cleared.version == 2, cleared

late = update_user.sync_detailed(made.id, client=client, body=UpdateUserRequest(name="Countess"), if_match='"1"')
assert late.status_code == 412 and isinstance(late.parsed, Error) and late.parsed.code == "version_mismatch", late

page = list_users.sync(client=client, email="python@example.com", page_size=1)
assert isinstance(page, ListUsersResponse) and isinstance(page.users[0], User), page

board = get_leaderboard.sync(client=client, window=LeaderboardServiceGetLeaderboardWindow.WEEKLY, limit=1)
assert isinstance(board, Leaderboard) and isinstance(board.ends_at, datetime.datetime), board

assert delete_user.sync_detailed(made.id, client=client).status_code == 204
gone = get_user.sync(made.id, client=client)
assert isinstance(gone, Error) and gone.code == "user_not_found", gone
