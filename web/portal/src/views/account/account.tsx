// Who you are to this city: sign in with its provider, or come with a token; who am I; sign out.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { ApiError, ours } from "../../api/client";
import { comeWith, may, session, signOut, whoAmI, type Session } from "../../api/session";
import { Facts } from "../../parts/facts";
import { Failed, Loading } from "../../parts/states";
import { t, tWord } from "../../language";
import { Writes } from "./writes";

const TOKEN = /^vct_[\x21-\x7e]{1,400}$/;

export function AccountView(): JSX.Element {
  const problem = useSignal<ApiError | null>(null);
  useEffect(() => {
    whoAmI().catch((error: unknown) => (problem.value = asProblem(error)));
  }, []);
  const known = session.value;
  return (
    <>
      <h1 tabIndex={-1}>{t("account.heading")}</h1>
      {known === null && (problem.value === null ? <Loading /> : <Failed error={problem.value} />)}
      {known !== null && (known.account === null ? <Nobody known={known} /> : <Somebody account={known.account} />)}
      {may("auditor") && <Writes />}
    </>
  );
}

function Somebody({ account }: { readonly account: NonNullable<Session["account"]> }): JSX.Element {
  const problem = useSignal<ApiError | null>(null);
  const { name, roles, agency, feeds, came_by } = account;
  return (
    <section class="card" aria-labelledby="who">
      <h2 id="who">{name}</h2>
      <Facts
        items={[
          [t("account.roles"), roles.map((role) => tWord("role", role)).join("; ")],
          [t("shown.agency"), agency],
          [t("account.feeds"), feeds?.join(", ")],
          [t("account.came-by"), t(`account.by-${came_by}`)],
        ]}
      />
      <button
        type="button"
        onClick={() => {
          problem.value = null;
          signOut().catch((error: unknown) => (problem.value = asProblem(error)));
        }}
      >
        {t(came_by === "token" ? "account.forget" : "account.sign-out")}
      </button>
      {problem.value !== null && <Failed error={problem.value} />}
    </section>
  );
}

function Nobody({ known }: { readonly known: Session }): JSX.Element {
  return (
    <>
      <p>{t(known.is_open ? "account.open" : "account.closed")}</p>
      <div class="inputs">
        {known.sign_in && (
          <section class="card" aria-labelledby="provider">
            <h2 id="provider">{t("account.sign-in")}</h2>
            <p>{t("account.provider")}</p>
            <p>
              <a class="button" href={ours("api/v1/sign-in") + "?then=" + encodeURIComponent(`${location.pathname}#/account`)}>
                {t("account.sign-in")}
              </a>
            </p>
          </section>
        )}
        <WithToken />
      </div>
    </>
  );
}

function WithToken(): JSX.Element {
  const text = useSignal("");
  const problem = useSignal<string | null>(null);
  const isAsking = useSignal(false);
  const use = async () => {
    const given = text.value.trim();
    problem.value = null;
    if (!TOKEN.test(given)) {
      problem.value = t("account.no-token");
      return;
    }
    isAsking.value = true;
    try {
      await comeWith(given);
    } catch (error) {
      const { status, code, message } = asProblem(error);
      problem.value = status === 401 ? `${t("account.refused")} (${code})` : `${code}: ${message}`;
    }
    isAsking.value = false;
  };
  return (
    <section class="card" aria-labelledby="with-token">
      <h2 id="with-token">{t("account.token")}</h2>
      <p>{t("account.token-why")}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void use();
        }}
      >
        <label>
          <span>{t("account.token-field")}</span>
          <input
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={text.value}
            onInput={(event) => (text.value = event.currentTarget.value)}
          />
        </label>{" "}
        <button type="submit" disabled={isAsking.value || text.value.trim() === ""}>
          {t("trust.use")}
        </button>
      </form>
      {problem.value !== null && (
        <p role="alert" class="bad-text">
          {problem.value}
        </p>
      )}
    </section>
  );
}

function asProblem(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, "bug", String(error));
}
