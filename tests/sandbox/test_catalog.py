"""Projects, tags, segments, analyses and single users."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from .client import LISTS, PROJECT, Client

TAGS = "id name key type valueType { type unit isArray } detector { stage totalUsers usersRatio }"
NO_SUCH_ID = "zzzzzzzz"


def _tags(client: Client) -> list[dict[str, Any]]:
    return client.data(f'{{ tags(projectId: "{PROJECT}") {{ {TAGS} }} }}')["tags"]


def test_the_default_project_comes_first(client: Client) -> None:
    """The guide's project is the first of several, each with an owner, members and times."""
    query = (
        "{ projects { id name owner ownerId creatorId projectMemberCount createdAt updatedAt } }"
    )
    projects = client.data(query)["projects"]
    assert (projects[0]["id"], projects[0]["name"]) == (PROJECT, "默认项目")
    assert len({project["id"] for project in projects}) == len(projects) >= 3
    for project in projects:
        assert project["projectMemberCount"] > 0
        assert datetime.fromisoformat(project["createdAt"]).tzinfo
        assert project["createdAt"] < project["updatedAt"]


def test_the_guides_ids_are_there(client: Client) -> None:
    """Segments, funnels and the tag of the vendor's guide have its ids, names and key."""
    segments = client.ids("segments")
    assert segments["分群1"] == "AVpZBzpK"
    assert segments["分群2"] == "KzpNmzQk"
    assert segments["分群3"] == "V0G5yvGA"
    assert segments["分群4"] == "qgQMXnD3"
    assert segments["分群n"] == "3mpxywGO"
    funnels = client.ids("funnelAnalyses")
    assert funnels["漏斗1"] == "zqQR3po3"
    assert funnels["漏斗2"] == "wWDrwQML"
    assert funnels["漏斗3"] == "klGvyp7E"
    assert funnels["漏斗n"] == "y9pm1pme"
    assert {tag["key"]: tag["name"] for tag in _tags(client)}["tag_payment_times"] == "订单交易笔数"


def test_there_is_enough_to_search_in(client: Client) -> None:
    """Every project has hundreds of segments and tags and dozens of analyses of each kind."""
    for project in client.data("{ projects { id } }")["projects"]:
        fields = ("tags", "segments", *LISTS.values())
        query = " ".join(f'{field}(projectId: "{project["id"]}") {{ id name }}' for field in fields)
        lists = client.data(f"{{ {query} }}")
        for field, items in lists.items():
            assert len(items) >= (200 if field in ("tags", "segments") else 30)
            assert len({item["id"] for item in items}) == len(items)


def test_names_are_as_awkward_as_real_ones(client: Client) -> None:
    """Namesakes, blanks, full-width letters, URL marks, and ids that differ in case alone."""
    query = f'{{ segments(projectId: "{PROJECT}") {{ id name }} }}'
    segments = client.data(query)["segments"]
    assert Counter(segment["name"] for segment in segments)["新客"] == 2
    names = "".join(segment["name"] for segment in segments)
    assert set(" 　&%+#/ＶＩＰ（") <= set(names)
    ids = Counter(segment["id"].lower() for segment in segments)
    assert max(ids.values()) == 2


def test_platform_and_project_tags_overlap(client: Client) -> None:
    """Some tags are the platform's alone, some the project's, most belong to both."""
    platform = {tag["key"] for tag in client.data("{ dataCenterTags { key } }")["dataCenterTags"]}
    project = {tag["key"] for tag in _tags(client)}
    assert len(platform & project) > 100
    assert platform - project
    assert project - platform
    assert all(key.startswith("tag_") for key in platform | project)


def test_tags_tell_their_types(client: Client) -> None:
    """The well-known tags have the value types that readers rely on; one is an array."""
    tags = {tag["name"]: tag for tag in _tags(client)}
    types = {name: tag["valueType"]["type"] for name, tag in tags.items()}
    assert types["会员等级"] == "STRING"
    assert types["订单交易笔数"] == "INT"
    assert types["累计消费金额"] == "DOUBLE"
    assert types["最近下单日期"] == "DATE"
    assert types["会员积分"] == "INT"
    assert tags["偏好品类"]["valueType"]["isArray"] is True
    assert tags["订单交易笔数"]["valueType"] == {"type": "INT", "unit": "笔", "isArray": False}


def test_the_detector_counts_what_an_export_holds(client: Client) -> None:
    """The detector's total of a segment and of a tag is the number of rows of its export."""
    query = f'{{ segments(projectId: "{PROJECT}") {{ name detector {{ totalUsers stage }} }} }}'
    detectors = {item["name"]: item["detector"] for item in client.data(query)["segments"]}
    assert detectors["高价值用户"] == {"totalUsers": 1_000, "stage": "FINISH"}
    assert detectors["全部用户"]["totalUsers"] == 10_000
    assert detectors["空分群"]["totalUsers"] == 0
    assert detectors["计算失败的分群"]["stage"] == "ERROR"
    assert len(client.rows(client.segment("流失预警用户"))) - 1 == 1_500
    tags = {tag["key"]: tag["detector"] for tag in _tags(client)}
    assert tags["tag_rfm"]["usersRatio"] == 0.55
    assert len(client.rows(client.tag("tag_rfm"))) - 1 == tags["tag_rfm"]["totalUsers"] == 5_500


def test_one_segment_by_id(client: Client) -> None:
    """segment(id, projectId) answers that one, with its scheduler and creator."""
    query = "query($i: HashId!, $p: HashId!) { segment(id: $i, projectId: $p) { name createdBy } }"
    segment = client.data(query, i="qgQMXnD3", p=PROJECT)["segment"]
    assert segment["name"] == "分群4"
    assert segment["createdBy"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (f'{{ tags(projectId: "{NO_SUCH_ID}") {{ id }} }}', "project not found"),
        (
            f'{{ segment(id: "{NO_SUCH_ID}", projectId: "{PROJECT}") {{ id }} }}',
            "segment not found",
        ),
        (f'{{ funnelAnalyses(projectId: "{NO_SUCH_ID}") {{ id }} }}', "project not found"),
    ],
)
def test_unknown_ids_are_errors_in_a_200(client: Client, query: str, message: str) -> None:
    """An id nobody knows is a GraphQL error that names the kind and the id."""
    error = client.error(query)
    assert message in error
    assert NO_SUCH_ID in error


def test_analyses_have_the_documented_time_ranges(client: Client) -> None:
    """Relative ranges of days and absolute ones of milliseconds both occur."""
    query = f'{{ eventAnalyses(projectId: "{PROJECT}") {{ timeRange chartType isSystem }} }}'
    ranges = {item["timeRange"] for item in client.data(query)["eventAnalyses"]}
    assert {"day:8,1", "day:31,1"} < ranges
    assert any(text.startswith("abs:") for text in ranges)


PROFILE = """query($id: String!, $keys: [String!]) {
  profile: dataCenterUserProfile(userId: $id, properties: $keys) {
    id userId properties { key name value }
  }
}"""


def test_a_profile_agrees_with_an_export(client: Client) -> None:
    """What a profile says of a user is what an export says, by user id and by gio_id."""
    tag = client.ids("tags")["会员等级"]
    job = client.segment("高价值用户", properties=["usr_city", "usr_nickname"], tags=[tag])
    header, *rows = client.rows(job)
    keys = ["usr_city", "usr_nickname", "tag_member_level"]
    for row in (rows[0], rows[9], rows[500], rows[-1]):
        for known in filter(None, row[:2]):
            profile = client.data(PROFILE, id=known, keys=keys)["profile"]
            assert [profile["id"], profile["userId"] or ""] == row[:2]
            values = [item["value"] or "" for item in profile["properties"]]
            assert values == row[2:]
            assert [item["name"] for item in profile["properties"]] == header[2:]


def test_an_unknown_user_is_null(client: Client) -> None:
    """Neither a made-up user id nor a made-up gio_id has a profile."""
    for nobody in ("nobody", "603543", "C9999999", "", "0603542"):
        assert client.data(PROFILE, id=nobody, keys=["usr_city"])["profile"] is None


def test_a_project_profile_wants_tags_or_properties(client: Client) -> None:
    """A profile of neither is an error; with tags it answers them."""
    query = """query($tags: [HashId!]) {
      userProfile(projectId: "WlGk4Daj", userId: "NA", tags: $tags) { userId properties { key } }
    }"""
    assert "at least one of tags, properties" in client.error(query)
    tag = client.ids("tags")["会员等级"]
    profile = client.data(query, tags=[tag])["userProfile"]
    assert profile == {"userId": "NA", "properties": [{"key": "tag_member_level"}]}


def test_the_same_seed_gives_the_same_catalog(signed_in: Callable[..., Client]) -> None:
    """Ids and names follow from the seed; another seed keeps the guide's ids alone."""
    one, two, other = signed_in(seed=5), signed_in(seed=5), signed_in(seed=6)
    assert one.ids("segments") == two.ids("segments")
    same = one.ids("segments").items() & other.ids("segments").items()
    assert {"分群1", "分群4"} <= {name for name, _ in same} < set(one.ids("segments"))


def test_many_segments_change_nothing_else(signed_in: Callable[..., Client]) -> None:
    """Further segments come after the others, in every project, and all else stays as it was."""
    plain, full = signed_in(seed=5), signed_in(seed=5, segments=400)
    assert plain.ids("tags") == full.ids("tags")
    assert list(plain.ids("segments").items()) == list(full.ids("segments").items())[:-400]
    for project in full.data("{ projects { id } }")["projects"]:
        query = f'{{ segments(projectId: "{project["id"]}") {{ id name creator updatedAt }} }}'
        further = full.data(query)["segments"][-400:]
        assert len({segment["id"] for segment in further}) == 400
        assert re.fullmatch(r"\S+-\S+-0400", further[-1]["name"])
        assert all(datetime.fromisoformat(segment["updatedAt"]) for segment in further)
        assert len({segment["creator"] for segment in further}) > 1


def test_further_segments_follow_from_the_seed(signed_in: Callable[..., Client]) -> None:
    """The same seed makes the same ones, another seed others, and all can be exported."""
    one, two, other = (signed_in(seed=seed, segments=50) for seed in (5, 5, 6))
    assert one.ids("segments") == two.ids("segments")
    *_, (name, hash_id) = one.ids("segments").items()
    assert other.ids("segments").get(name) != hash_id
    query = (
        f'{{ segment(id: "{hash_id}", projectId: "{PROJECT}") {{ detector {{ totalUsers }} }} }}'
    )
    total = one.data(query)["segment"]["detector"]["totalUsers"]
    assert len(one.rows(one.segment(name))) - 1 == total > 0
