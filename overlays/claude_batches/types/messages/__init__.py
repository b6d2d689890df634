"""The types of batches, as the official SDK groups them. All types are in `claude_batches.types`."""

from __future__ import annotations

from claude_batches_api.models import DeletedMessageBatch as DeletedMessageBatch
from claude_batches_api.models import MessageBatch as MessageBatch
from claude_batches_api.models import MessageBatchCanceledResult as MessageBatchCanceledResult
from claude_batches_api.models import MessageBatchErroredResult as MessageBatchErroredResult
from claude_batches_api.models import MessageBatchExpiredResult as MessageBatchExpiredResult
from claude_batches_api.models import MessageBatchIndividualResponse as MessageBatchIndividualResponse
from claude_batches_api.models import MessageBatchRequestCounts as MessageBatchRequestCounts
from claude_batches_api.models import MessageBatchResult as MessageBatchResult
from claude_batches_api.models import MessageBatchSucceededResult as MessageBatchSucceededResult
from claude_batches_api.params import BatchCreateParams as BatchCreateParams

from . import batch_create_params as batch_create_params
from . import batch_list_params as batch_list_params
from .batch_list_params import BatchListParams as BatchListParams
