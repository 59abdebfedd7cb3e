import { usePathname, useSearchParams } from "next/navigation";
import { useMemo } from "react";
import { type Choice, addressWith, choiceOf } from "@/lib/inbox-address";

/** The filters, the search and the open conversation stand in the address: "back" works, and a link can be given to others. */
export function useInboxAddress() {
  const parameters = useSearchParams();
  const pathname = usePathname();
  return useMemo(() => {
    const address = (conversation: string | null) => pathname + addressWith(parameters, { conversation });
    return {
      open: parameters.get("conversation"),
      choice: choiceOf(parameters),
      address,
      /** Opens a conversation, or none. Who goes from one to the next comes back to where they began. */
      setOpen: (conversation: string | null) => {
        const isNext = conversation !== null && parameters.has("conversation");
        // Next.js takes notice of both, and asks the server for nothing.
        window.history[isNext ? "replaceState" : "pushState"](null, "", address(conversation));
      },
      setChoice: (change: Partial<Choice>) =>
        window.history.replaceState(
          null,
          "",
          pathname + addressWith(new URLSearchParams(window.location.search), change),
        ),
    };
  }, [parameters, pathname]);
}
