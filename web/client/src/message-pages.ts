import type { ConversationContext } from "./conversation-context.js";
import { ChatError } from "./error.js";
import { changesLoaded, firstPageLoaded, olderPageLoaded } from "./thread-reducer.js";
import type { MessagePage } from "./types.js";

/** Fetches a conversation's messages into its thread. */
export interface MessagePages {
  /** Fetches all that changed, the newest page at first. */
  fetchChanges: () => Promise<void>;
  fetchOlder: () => Promise<void>;
}

export function createMessagePages({ core, request, thread, dispatch, identify }: ConversationContext): MessagePages {
  async function list(query: object): Promise<MessagePage> {
    const page = await request("GET /api/messages/list", query).catch((error: unknown) => {
      if (error instanceof ChatError && error.code === "not_found") return emptyPage;
      throw error;
    });
    const { me } = thread();
    // A client's page shows whose it is: the cookie may have become another's since it was asked.
    const isForeign = me?.role === "client" && page.conversation && page.conversation.clientId !== me.id;
    if (isForeign) await core.verify(0);
    return isForeign ? list(query) : page;
  }

  return {
    async fetchChanges() {
      if (thread().firstSeq === 0) {
        const [page] = await Promise.all([list({}), identify()]); // comes along with the answer to who is asking
        dispatch(firstPageLoaded, page);
        return;
      }
      await identify(Infinity);
      let page: MessagePage;
      do {
        page = await list({ changedSince: String(thread().fetchedVersion) });
        dispatch(changesLoaded, page);
      } while (page.hasMore);
    },
    async fetchOlder() {
      await identify();
      dispatch(olderPageLoaded, await list({ before: thread().firstSeq }));
    },
  };
}

/** Only developers are told by an error that there is no conversation yet. */
const emptyPage: MessagePage = { messages: [], hasMore: false, conversation: null };
