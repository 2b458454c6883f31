"""The documented schema and nothing beyond it.

Where the documents do not name a type (the enum of a value's type, the input of an analysis
export), the name here is this module's own: a client cannot rely on any.
"""

from __future__ import annotations

from typing import Any

from graphql import GraphQLSchema, build_schema
from graphql.language import ValueNode, print_ast

_AUTHORED = """
    creator: String
    creatorId: HashId
    createdAt: DateTime
    updater: String
    updaterId: HashId
    updatedAt: DateTime
"""

_ANALYSIS = f"""
    id: HashId!
    name: String!
    description: String
    timeRange: String
    chartType: String
    isSystem: Boolean
    businessType: String
    {_AUTHORED}
"""

_USER_JOB = f"""
    id: String!
    name: String!
    description: String
    stage: JobStage!
    error: JobError
    {_AUTHORED}
"""

_SDL = f"""
scalar HashId
scalar DateTime
scalar BytesJson
scalar Object
scalar Long

enum JobStage {{ NONE READY RUNNING DATA_READY FINISH ERROR %(more_stages)s }}
enum DetectedStage {{ NONE READY RUNNING FINISH ERROR }}
enum AnalysisResourceType {{ CHARTS FUNNELS RETENTIONS FREQUENCIES }}
enum UndocumentedValueTypeName {{ INT STRING DOUBLE DATE }}

type ValueType {{ type: UndocumentedValueTypeName unit: String isArray: Boolean }}
type Detector {{
    stage: DetectedStage
    description: String
    detectedAt: DateTime
    totalUsers: Long
    usersRatio: Float
}}
type JobError {{ code: String message: String }}

type Project {{
    id: HashId!
    name: String!
    description: String
    creator: String
    creatorId: HashId
    createdAt: DateTime
    owner: String
    ownerId: HashId
    projectMemberCount: Int
}}
type Tag {{
    id: HashId!
    name: String!
    key: String!
    type: String
    description: String
    businessType: String
    valueType: ValueType
    ownerId: HashId
    detector: Detector
    {_AUTHORED}
}}
type Segment {{
    id: HashId!
    name: String!
    description: String
    scheduler: String
    createdBy: String
    detector: Detector
    ownerId: HashId
    {_AUTHORED}
}}
type FunnelAnalysis {{ {_ANALYSIS} }}
type EventAnalysis {{ {_ANALYSIS} }}
type RetentionAnalysis {{ {_ANALYSIS} }}
type FrequencyAnalysis {{ {_ANALYSIS} }}
type UserProperty {{ key: String name: String value: String }}
type UserProfile {{ id: String userId: String properties: [UserProperty] }}
type JobResult {{ id: HashId! stage: JobStage! uris: [String!] }}
type TagUserExportJob {{ {_USER_JOB} }}
type SegmentUserExportJob {{ {_USER_JOB} }}
type AnalysisExportJob {{ id: String! stage: JobStage! error: JobError }}

type Query {{
    projects: [Project!]
    dataCenterTags: [Tag]
    dataCenterUserProfile(userId: String!, properties: [String!]): UserProfile
    jobResult(id: String!): JobResult
    tags(projectId: HashId!): [Tag]
    segments(projectId: HashId!): [Segment]
    segment(id: HashId!, projectId: HashId!): Segment
    funnelAnalyses(projectId: HashId!): [FunnelAnalysis]
    eventAnalyses(projectId: HashId!): [EventAnalysis]
    retentionAnalyses(projectId: HashId!): [RetentionAnalysis]
    frequencyAnalyses(projectId: HashId!): [FrequencyAnalysis]
    userProfile(
        projectId: HashId!, userId: String, tags: [HashId!], properties: [String!]
    ): UserProfile
}}

input UndocumentedAnalysisParam {{ analysisType: AnalysisResourceType! }}

type Mutation {{
    submitTagUserExportJob(
        tagId: HashId!, properties: [String!], charset: String %(by_id_detail)s
    ): TagUserExportJob!
    submitSegmentUserExportJob(
        projectId: HashId!, segmentId: HashId!, tags: [HashId!], properties: [String!],
        charset: String
    ): SegmentUserExportJob!
    submitAnalysisExportJob(
        projectId: HashId!, id: HashId!, param: UndocumentedAnalysisParam!, charset: String
    ): AnalysisExportJob!
    %(by_key)s
}}
"""

_BY_KEY = """
    submitTagUserExportJobByKey(parameter: TagUserExportJobByKeyInput!): TagUserExportJob!
}
input TagUserExportJobByKeyInput {
    tagKey: String!
    exportFileName: String
    properties: [String!]
    charset: String
    detailExport: Boolean
"""


def documented_schema(*, old: bool = False, more_stages: tuple[str, ...] = ()) -> GraphQLSchema:
    """Build the schema of a platform, 13.4 and later or ``old``."""
    schema = build_schema(
        _SDL
        % {
            "more_stages": " ".join(more_stages),
            "by_id_detail": "" if old else ", detailExport: Boolean",
            "by_key": "" if old else _BY_KEY,
        }
    )
    _hold_hash_ids(schema)
    return schema


def _hold_hash_ids(schema: GraphQLSchema) -> None:
    """Refuse as a HashId what is not one, under graphql-core's older and newer names alike."""
    scalar: Any = schema.type_map["HashId"]
    scalar.parse_value = scalar.coerce_input_value = _hash_id
    scalar.parse_literal = scalar.coerce_input_literal = _hash_id_literal


def _hash_id(value: object) -> str:
    """Accept eight letters and digits, as a HashId is documented, and nothing else."""
    text = str(value)
    if not (isinstance(value, str) and len(text) == 8 and text.isascii() and text.isalnum()):
        raise ValueError(f"Not a HashId: {text}")
    return text


def _hash_id_literal(node: ValueNode, _variables: object = None) -> str:
    return _hash_id(print_ast(node).strip('"'))
