// What can be taken away of a data set: its rows, what proves them, its contract; and what its columns mean.

import type { JSX } from "preact";
import { ours } from "../../api/client";
import type { Dataset, Version } from "../../api/dataset";
import { Facts, Table } from "../../parts/facts";
import { SealOf } from "../../parts/seal";
import { t, tWord } from "../../language";
import { number, short, time } from "../../language/format";
import { unitWords } from "../../language/units";
import { linkTo } from "../../router";
import { fieldWords } from "../words";
import { cataloguePath } from "./changes";

export function Files({ dataset }: { readonly dataset: Dataset }): JSX.Element {
  return (
    <section aria-labelledby="files">
      <h2 id="files">{t("quality.files")}</h2>
      {dataset.version === null ? (
        <p class="state empty">{t("dataset.no-version")}</p>
      ) : (
        <OfVersion feed={dataset.dataset} version={dataset.version} />
      )}
    </section>
  );
}

function OfVersion({ feed, version }: { readonly feed: string; readonly version: Version }): JSX.Element {
  const words = t("dataset.version-of", { version: version.version, time: time(version.as_of), rows: number(version.rows) });
  return (
    <>
      <Facts
        items={[
          [t("dataset.version"), words],
          [t("dataset.digest"), <code key="d">{version.sha256}</code>],
          [
            t("seal.title"),
            <SealOf
              key="s"
              path={`receipts/${feed}/${version.version}/0`}
              about={words}
              lineage={linkTo("lineage", [version.entry])}
            />,
          ],
        ]}
      />
      <p class="soft">{t("dataset.seal-why")}</p>
      <Table caption={t("quality.files")} head={[t("dataset.file"), t("shown.kind"), t("dataset.size"), "SHA-256"]} numeric={[2]}>
        {version.files.map(({ url, media_type, n_bytes, sha256 }) => (
          <tr key={url}>
            <th scope="row">
              <File url={url}>{url.slice(url.lastIndexOf("/") + 1)}</File>
            </th>
            <td>{media_type}</td>
            <td class="num">{n_bytes === undefined ? t("dataset.not-made") : t("raw.bytes", { n: number(n_bytes) })}</td>
            <td>{sha256 === undefined ? "–" : <code>{sha256}</code>}</td>
          </tr>
        ))}
      </Table>
      <p>
        <File url={version.manifest}>{t("quality.manifest")}</File> · <File url={version.croissant}>Croissant</File> ·{" "}
        <a href={ours(`catalogue/${encodeURIComponent(feed)}.jsonld`) ?? ""}>DCAT-AP</a>
      </p>
    </>
  );
}

function File({ url, children }: { readonly url: string; readonly children: string }): JSX.Element {
  return <a href={ours(cataloguePath(url)) ?? ""}>{children}</a>;
}

export function Contract({ dataset: { contract } }: { readonly dataset: Dataset }): JSX.Element {
  return (
    <section aria-labelledby="contract">
      <h2 id="contract">{t("quality.contract")}</h2>
      <Facts
        items={[
          [t("dataset.version"), contract.version],
          ["SHA-256", <code key="d">{contract.sha256}</code>],
          [t("dataset.file"), <File key="f" url={contract.url}>{`${short(contract.sha256)}.yaml`}</File>],
          [
            t("lineage.entry"),
            <a key="e" href={linkTo("lineage", [contract.entry])}>
              {contract.entry}
            </a>,
          ],
        ]}
      />
    </section>
  );
}

export function Columns({ dataset }: { readonly dataset: Dataset }): JSX.Element {
  return (
    <section aria-labelledby="columns">
      <h2 id="columns">{t("dataset.columns")}</h2>
      <Table caption={t("dataset.columns")} head={[t("shown.column"), t("dataset.type"), t("dataset.unit"), t("dataset.meaning")]}>
        {dataset.columns.map(({ name, type, unit, description }) => (
          <tr key={name}>
            <th scope="row">
              <code>{name}</code> {fieldWords(name) !== name && <span class="soft">{fieldWords(name)}</span>}
            </th>
            <td>{tWord("type", type)}</td>
            <td>{unitWords(unit)}</td>
            <td>{description}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}
