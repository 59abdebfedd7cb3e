export { normalizeBody } from "./body.js";
export { createChat } from "./chat.js";
export { ChatError } from "./error.js";
export type { ChatFiles } from "./core.js";
export type {
  Attachment,
  AttachmentLinks,
  Chat,
  ChatOptions,
  ChatStorage,
  Connection,
  Conversation,
  ConversationChange,
  ConversationState,
  ConversationStore,
  Delivery,
  InboxFilter,
  InboxState,
  InboxStore,
  Message,
  Role,
  Session,
  SessionIdentity,
  ShownAttachment,
  ShownMessage,
  Store,
  TeamMember,
  Totals,
  Upload,
} from "./types.js";
export type { components, operations, paths } from "./openapi.js";
