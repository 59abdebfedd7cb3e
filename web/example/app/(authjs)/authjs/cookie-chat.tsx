"use client";

import { ChatProvider, useChat } from "@devinbox/client/react";
import { ClientChat } from "@/components/client-chat";
import { Inbox } from "@/components/inbox/inbox";

interface CookieChatProps {
  name: string;
  role: "client" | "developer";
  leave: () => Promise<void>;
}

export function CookieChat({ name, role, leave }: CookieChatProps) {
  return (
    <ChatProvider>
      <div className="screen">
        <SignOut name={name} leave={leave} />
        {role === "developer" ? (
          <Inbox />
        ) : (
          <main className="column">
            <h1 className="visually-hidden">Chat</h1>
            <ClientChat />
          </main>
        )}
      </div>
    </ChatProvider>
  );
}

function SignOut({ name, leave }: Pick<CookieChatProps, "name" | "leave">) {
  const chat = useChat();
  const signOut = async () => {
    await chat.signOut().catch(() => {}); // it has forgotten everything, also where the server did not answer
    await leave();
  };
  return (
    <p className="bar">
      {name}
      <button type="button" className="link" onClick={() => void signOut()}>
        Sign out
      </button>
    </p>
  );
}
