// Empty, loading, stale and failed: said in words, to eyes and to screen readers.

import type { ComponentChildren, JSX } from "preact";
import { isNotThen, type ApiError } from "../api/client";
import { revision, type Resource } from "../api/resource";
import { isKey, t } from "../language";
import { time } from "../language/format";
import { linkTo } from "../router";

/** Show a resource whatever state it is in. */
export function Loaded<T>(props: {
  readonly of: Resource<T>;
  readonly isEmpty?: (data: T) => boolean;
  readonly empty?: string;
  readonly children: (data: T) => ComponentChildren;
}): JSX.Element {
  const { of } = props;
  if (of.state === "loading") return <Loading />;
  if (of.state === "failed" && isNotThen(of.error)) return <Empty>{props.empty ?? t("state.not-then")}</Empty>;
  if (of.state === "failed") return <Failed error={of.error} />;
  return (
    <>
      {of.problem !== null && <Stale at={of.at} error={of.problem} />}
      {props.isEmpty?.(of.data) ? <Empty>{props.empty ?? t("state.empty")}</Empty> : props.children(of.data)}
    </>
  );
}

export function Loading(): JSX.Element {
  return (
    <p class="state loading" role="status">
      <span class="spinner" aria-hidden="true" />
      {t("state.loading")}
    </p>
  );
}

export function Empty({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <p class="state empty">{children}</p>;
}

export function Failed({ error }: { readonly error: ApiError }): JSX.Element {
  return (
    <div class="state failed" role="alert">
      <p>
        <strong>{why(error)}</strong>
      </p>
      <p class="soft">
        <code lang="en">
          {error.code}: {error.message}
        </code>
      </p>
      <button type="button" onClick={again}>
        {t("state.again")}
      </button>{" "}
      {error.status === 401 && <a href={linkTo("account")}>{t("nav.account")}</a>}
    </div>
  );
}

export function Stale(props: { readonly at: number; readonly error: ApiError }): JSX.Element {
  return (
    <p class="state stale" role="status">
      <span aria-hidden="true">◷ </span>
      {t("state.stale", { time: ownTime(props.at) })} {why(props.error)}{" "}
      <button type="button" class="small" onClick={again}>
        {t("state.again")}
      </button>
    </p>
  );
}

function ownTime(at: number): string {
  return time(at);
}

function again(): void {
  revision.value += 1;
}

function why(error: ApiError): string {
  const key = `failed.${error.status}`;
  return isKey(key) ? t(key) : t(error.status >= 500 ? "failed.server" : "failed.other");
}
