import type { OwnConversation } from "./conversation.js";

/**
 * The conversations of a Chat: the same id gives the same store for as long as anybody holds it. Those that are open, or
 * have something to lose, are held here: each calls `hold` when that begins.
 */
export function createConversationCache(
  create: (clientId: string | undefined, hold: () => void) => OwnConversation,
): (clientId: string | undefined) => OwnConversation {
  const all = new Map<string | undefined, WeakRef<OwnConversation>>();
  const held = new Set<OwnConversation>();

  function sweep() {
    for (const store of held) if (store.isIdle()) held.delete(store);
    for (const [clientId, store] of all) if (!store.deref()) all.delete(clientId);
  }

  return (clientId) => {
    const found = all.get(clientId)?.deref();
    if (found) return found;
    sweep();
    const created = create(clientId, () => held.add(created));
    all.set(clientId, new WeakRef(created));
    return created;
  };
}
