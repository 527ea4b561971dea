// What only some may do: its commands for those who may, and for all others who may.

import type { JSX } from "preact";
import { may, type Role } from "../api/session";
import { t } from "../language";

/** Acts that somebody signs, on the command line: no page of a server's can sign for a person. */
export function ForRole(props: { readonly role: Role; readonly title: string; readonly commands: readonly string[] }): JSX.Element {
  const { role, title, commands } = props;
  if (!may(role)) return <p class="soft">{t("acts.not-you", { role: t(`role-name.${role}`) })}</p>;
  return (
    <section class="card acts" aria-label={title}>
      <h3>{title}</h3>
      <p>{t("acts.how")}</p>
      {commands.map((command) => (
        <pre key={command} tabIndex={0} lang="en" aria-label={title}>
          {command}
        </pre>
      ))}
    </section>
  );
}
