// The Verify view, for anyone: a receipt and a policy in, each step of the check out. It asks no server anything.

import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ApiError, getReceipt } from "../../api/client";
import { Failed, Loading } from "../../parts/states";
import { t } from "../../language";
import { check, looksLike, asPolicy, withOneBitChanged, type Checked } from "./check";
import { isOf } from "./expected";
import { Inputs } from "./inputs";
import { Outcome } from "./outcome";
import { policy, trust } from "./trust";

interface Given {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly isChanged: boolean;
  readonly path: string | null; // asked of the server
}

export function Verify(props: { readonly path: string | null; readonly isAlone: boolean }): JSX.Element {
  const given = useSignal<Given | null>(null);
  const problem = useSignal<ApiError | string | null>(null);
  const checked = useChecked(given);
  const isOver = useSignal(false);

  useEffect(() => {
    const { path, isAlone } = props;
    if (isAlone) return undefined;
    given.value = null; // of another address: what it showed is not asked for any more
    problem.value = null;
    if (path === null) return undefined;
    let isOld = false;
    getReceipt(path).then(
      (bytes) => isOld || (given.value = { bytes, name: path, isChanged: false, path }),
      (error: unknown) => isOld || (problem.value = error instanceof ApiError ? error : String(error)),
    );
    return () => {
      isOld = true;
    };
  }, [props.path]);

  const take = async (files: Iterable<File>) => {
    problem.value = null;
    for (const file of files) {
      const bytes = new Uint8Array(await file.slice(0, 1_048_577).arrayBuffer());
      takeBytes(bytes, file.name);
    }
  };
  const takeBytes = (bytes: Uint8Array, name: string) => {
    const text = new TextDecoder().decode(bytes);
    if (looksLike(text) === "policy") trust(asPolicy(text), false);
    else given.value = { bytes, name, isChanged: false, path: null };
  };

  return (
    <div
      class={isOver.value ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={() => (isOver.value = false)}
      onDrop={(event) => {
        event.preventDefault();
        isOver.value = false;
        void take([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <h1 tabIndex={-1}>{t("verify.title")}</h1>
      <p>{t("verify.intro")}</p>
      {props.isAlone ? (
        <p class="soft">{t("verify.alone")}</p>
      ) : (
        <p class="soft">
          {t("verify.take")}{" "}
          <a href="verify.html" download="verify.html">
            verify.html
          </a>
        </p>
      )}
      <Inputs
        onFiles={(files) => void take(files)}
        onText={(text) => {
          problem.value = null;
          takeBytes(new TextEncoder().encode(text.trim()), t("verify.pasted"));
        }}
        isAlone={props.isAlone}
      />
      {problem.value !== null &&
        (problem.value instanceof ApiError ? <Failed error={problem.value} /> : <p role="alert">{problem.value}</p>)}
      {props.path !== null && given.value === null && problem.value === null && !props.isAlone && <Loading />}
      {given.value !== null && (
        <Result
          given={given.value}
          checked={checked.value}
          onChange={() => {
            const { bytes, name } = given.value as Given;
            given.value = { bytes: withOneBitChanged(bytes), name, isChanged: true, path: null };
          }}
        />
      )}
    </div>
  );
}

function Result(props: { readonly given: Given; readonly checked: Checked | null; readonly onChange: () => void }): JSX.Element {
  const { given, checked } = props;
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (checked === null) return;
    head.current?.focus({ preventScroll: true });
    head.current?.scrollIntoView({ block: "start" }); // on a phone what was put in would fill the screen
  }, [checked]);
  if (policy.value === "") {
    return (
      <p class="state empty" role="status">
        {t("verify.needs-policy")}
      </p>
    );
  }
  if (checked === null) return <Loading />;
  const canChange = checked.verdict.state === "holds" || checked.verdict.state === "fails";
  return (
    <section aria-labelledby="outcome" class="result">
      <h2 id="outcome" tabIndex={-1} ref={head} class="name">
        {given.name}
        {given.isChanged && <span class="tag bad">{t("verify.changed")}</span>}
      </h2>
      {given.path !== null && checked.verdict.state === "holds" && !isOf(given.path, checked.verdict.verification) && (
        <p class="banner no" role="alert">
          {t("verify.another")}
        </p>
      )}
      <Outcome checked={checked} />
      {canChange && !given.isChanged && (
        <p class="try">
          <button type="button" onClick={props.onChange}>
            {t("verify.change")}
          </button>{" "}
          <span class="soft">{t("verify.change-why")}</span>
        </p>
      )}
    </section>
  );
}

/** Check what is given, again whenever it or the policy changes; an older check never overtakes a newer. */
function useChecked(given: Signal<Given | null>): Signal<Checked | null> {
  const checked = useSignal<Checked | null>(null);
  const now = given.value;
  const believed = policy.value;
  useEffect(() => {
    checked.value = null;
    if (now === null || believed === "") return undefined;
    let isOld = false;
    void check(now.bytes, believed).then((done) => {
      if (!isOld) checked.value = done;
    });
    return () => {
      isOld = true;
    };
  }, [now, believed]);
  return checked;
}
