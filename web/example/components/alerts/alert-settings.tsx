import { lazy } from "react";
import { BellIcon } from "@/components/ui/icons";
import { MenuButton } from "@/components/ui/menu-button";

const AlertMenu = lazy(() => import("./alert-menu"));

/** A button for the ways in which somebody is told of what comes. */
export function AlertSettings({ role }: { role: "client" | "developer" }) {
  return (
    <MenuButton label="How to be told" icon={<BellIcon />}>
      {(popup) => <AlertMenu role={role} {...popup} />}
    </MenuButton>
  );
}
