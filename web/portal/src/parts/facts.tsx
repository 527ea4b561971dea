// Pairs of a name and a value.

import type { ComponentChildren, JSX } from "preact";

export function Facts(props: { readonly items: readonly (readonly [string, ComponentChildren])[] }): JSX.Element {
  return (
    <dl>
      {props.items
        .filter(([, value]) => value !== null && value !== undefined && value !== "")
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** A table that scrolls sideways by itself on a narrow screen, by keyboard too. */
export function Table(props: {
  readonly caption: string;
  readonly head: readonly string[];
  readonly numeric?: readonly number[];
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div class="wide" role="region" aria-label={props.caption} tabIndex={0}>
      <table>
        <caption>{props.caption}</caption>
        <thead>
          <tr>
            {props.head.map((name, i) => (
              <th key={name} scope="col" class={props.numeric?.includes(i) ? "num" : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}
