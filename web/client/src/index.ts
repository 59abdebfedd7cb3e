export { normalizeBody } from "./body.js";
export { createChat } from "./chat.js";
export { ChatError } from "./error.js";
export type {
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
  ShownMessage,
  Store,
  TeamMember,
  Totals,
} from "./types.js";
export type { components, operations, paths } from "./openapi.js";
