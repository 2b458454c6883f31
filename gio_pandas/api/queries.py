"""Every GraphQL document that is sent to the platform; values travel as variables.

A listing's first document asks for all documented fields, ``…_CORE`` for those that every version
has, ``…_TYPED`` for what decides dtypes beside them. Each is sent where a platform refuses the one
before.
"""

from __future__ import annotations

__all__ = ["LISTINGS", "job_results", "profiles", "submit_tag_by_id"]

_ANALYSIS_FIELDS = """
    id name description timeRange chartType isSystem businessType
    creator creatorId createdAt updatedAt
"""
_TAG_FIELDS = """
    id name key type description businessType
    valueType { type unit isArray }
    creator creatorId createdAt updater updaterId updatedAt ownerId
    detector { stage description detectedAt totalUsers usersRatio }
"""
_SEGMENT_FIELDS = """
    id name description scheduler
    creator creatorId createdAt createdBy updater updaterId updatedAt ownerId
    detector { stage description detectedAt totalUsers usersRatio }
"""
_JOB_FIELDS = "id name stage error { code message }"
_RESULT_FIELDS = "id stage uris"
_PROFILE_FIELDS = "id userId properties { key name value }"

PROJECTS = """
query Projects {
  projects {
    id name description creator creatorId createdAt owner ownerId projectMemberCount
  }
}
"""
PROJECTS_CORE = "query Projects { projects { id name } }"

DATA_CENTER_TAGS = f"query DataCenterTags {{ dataCenterTags {{ {_TAG_FIELDS} }} }}"
DATA_CENTER_TAGS_TYPED = """
query DataCenterTags { dataCenterTags { id name key valueType { type isArray } } }
"""
DATA_CENTER_TAGS_CORE = "query DataCenterTags { dataCenterTags { id name key } }"

TAGS = f"query Tags($projectId: HashId!) {{ tags(projectId: $projectId) {{ {_TAG_FIELDS} }} }}"
TAGS_TYPED = """
query Tags($projectId: HashId!) {
  tags(projectId: $projectId) { id name key valueType { type isArray } }
}
"""
TAGS_CORE = "query Tags($projectId: HashId!) { tags(projectId: $projectId) { id name key } }"

SEGMENTS = f"""
query Segments($projectId: HashId!) {{
  segments(projectId: $projectId) {{ {_SEGMENT_FIELDS} }}
}}
"""
SEGMENTS_CORE = """
query Segments($projectId: HashId!) { segments(projectId: $projectId) { id name } }
"""
SEGMENT = f"""
query Segment($projectId: HashId!, $id: HashId!) {{
  segment(projectId: $projectId, id: $id) {{ {_SEGMENT_FIELDS} }}
}}
"""


def _analyses(field: str, fields: str) -> str:
    operation = field[0].upper() + field[1:]
    return f"""
query {operation}($projectId: HashId!) {{ {field}(projectId: $projectId) {{ {fields} }} }}
"""


FUNNELS = _analyses("funnelAnalyses", _ANALYSIS_FIELDS)
FUNNELS_CORE = _analyses("funnelAnalyses", "id name")
EVENTS = _analyses("eventAnalyses", _ANALYSIS_FIELDS)
EVENTS_CORE = _analyses("eventAnalyses", "id name")
RETENTIONS = _analyses("retentionAnalyses", _ANALYSIS_FIELDS)
RETENTIONS_CORE = _analyses("retentionAnalyses", "id name")
FREQUENCIES = _analyses("frequencyAnalyses", _ANALYSIS_FIELDS)
FREQUENCIES_CORE = _analyses("frequencyAnalyses", "id name")

JOB_RESULT = f"query JobResult($id: String!) {{ jobResult(id: $id) {{ {_RESULT_FIELDS} }} }}"


def job_results(count: int) -> str:
    """Ask for several jobs in one request: ``$i0`` is answered as ``j0``, and so on."""
    declared = ", ".join(f"$i{n}: String!" for n in range(count))
    asked = "\n".join(f"  j{n}: jobResult(id: $i{n}) {{ {_RESULT_FIELDS} }}" for n in range(count))
    return f"query JobResults({declared}) {{\n{asked}\n}}"


DATA_CENTER_USER_PROFILE = f"""
query DataCenterUserProfile($userId: String!, $properties: [String!]) {{
  dataCenterUserProfile(userId: $userId, properties: $properties) {{ {_PROFILE_FIELDS} }}
}}
"""
USER_PROFILE = f"""
query UserProfile(
  $projectId: HashId!, $userId: String, $tags: [HashId!], $properties: [String!]
) {{
  userProfile(projectId: $projectId, userId: $userId, tags: $tags, properties: $properties) {{
    {_PROFILE_FIELDS}
  }}
}}
"""


def profiles(count: int, *, in_project: bool) -> str:
    """Ask for several users in one request: ``$u0`` is answered as ``p0``, and so on."""
    users = [f"$u{n}: String!" for n in range(count)]
    if in_project:
        name, field = "UserProfiles", "userProfile"
        shared = ["$projectId: HashId!", "$tags: [HashId!]", "$properties: [String!]"]
        passed = "projectId: $projectId, tags: $tags, properties: $properties"
    else:
        name, field = "DataCenterUserProfiles", "dataCenterUserProfile"
        shared, passed = ["$properties: [String!]"], "properties: $properties"
    asked = "\n".join(
        f"  p{n}: {field}(userId: $u{n}, {passed}) {{ {_PROFILE_FIELDS} }}" for n in range(count)
    )
    return f"query {name}({', '.join([*shared, *users])}) {{\n{asked}\n}}"


SUBMIT_TAG_BY_KEY = f"""
mutation SubmitTagUserExportJobByKey($parameter: TagUserExportJobByKeyInput!) {{
  submitTagUserExportJobByKey(parameter: $parameter) {{ {_JOB_FIELDS} }}
}}
"""
INPUT_BY_KEY = """
query InputByKey { __type(name: "TagUserExportJobByKeyInput") { name } }
"""
SUBMIT_SEGMENT = f"""
mutation SubmitSegmentUserExportJob(
  $projectId: HashId!, $segmentId: HashId!, $tags: [HashId!], $properties: [String!],
  $charset: String
) {{
  submitSegmentUserExportJob(
    projectId: $projectId, segmentId: $segmentId, tags: $tags, properties: $properties,
    charset: $charset
  ) {{ {_JOB_FIELDS} }}
}}
"""
SUBMIT_ANALYSIS = """
mutation SubmitAnalysisExportJob(
  $projectId: HashId!, $id: HashId!, $type: AnalysisResourceType!, $charset: String
) {
  submitAnalysisExportJob(
    projectId: $projectId, id: $id, param: {analysisType: $type}, charset: $charset
  ) { id stage error { code message } }
}
"""


def submit_tag_by_id(*, detail: bool = False, file_name: bool = False) -> str:
    """Write the submit that platforms before 13.4 know, which has no input object.

    ``detailExport`` and ``exportFileName`` are named only when they are asked for: not every
    old schema has them, and one that has not refuses the whole document.
    """
    optional = [("detailExport", "Boolean")] * detail + [("exportFileName", "String")] * file_name
    declared = "".join(f", ${name}: {type_}" for name, type_ in optional)
    passed = "".join(f", {name}: ${name}" for name, _ in optional)
    return f"""
mutation SubmitTagUserExportJob(
  $tagId: HashId!, $properties: [String!], $charset: String{declared}
) {{
  submitTagUserExportJob(
    tagId: $tagId, properties: $properties, charset: $charset{passed}
  ) {{ {_JOB_FIELDS} }}
}}
"""


LISTINGS: dict[str, tuple[str, ...]] = {
    "projects": (PROJECTS, PROJECTS_CORE),
    "dataCenterTags": (DATA_CENTER_TAGS, DATA_CENTER_TAGS_TYPED, DATA_CENTER_TAGS_CORE),
    "tags": (TAGS, TAGS_TYPED, TAGS_CORE),
    "segments": (SEGMENTS, SEGMENTS_CORE),
    "funnelAnalyses": (FUNNELS, FUNNELS_CORE),
    "eventAnalyses": (EVENTS, EVENTS_CORE),
    "retentionAnalyses": (RETENTIONS, RETENTIONS_CORE),
    "frequencyAnalyses": (FREQUENCIES, FREQUENCIES_CORE),
}
"""By the field they ask for: the whole document, then those for platforms that refuse it."""
