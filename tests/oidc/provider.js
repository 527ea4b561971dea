// A provider of OpenID Connect on loopback: node provider.js SETTINGS. Prints its address when it listens.
//
// SETTINGS is a JSON file: {client_id, client_secret, redirect_uri, people: {name: claims}}, read again at each
// sign-in. Anyone who is in `people` signs in with any password, on the provider's own development pages.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import Provider from "oidc-provider";

const path = process.argv[2];
const settings = () => JSON.parse(readFileSync(path, "utf8"));
const first = settings();
const server = createServer();

server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: first.client_id,
        client_secret: first.client_secret,
        redirect_uris: [first.redirect_uri],
      },
    ],
    claims: { openid: ["sub"], profile: ["name"], groups: ["groups", "organisation"] },
    conformIdTokenClaims: first.asked_for_more ?? false,
    pkce: { required: () => true },
    cookies: { keys: ["for tests only"] },
    ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 300, IdToken: 300, Interaction: 300, Session: 300 },
    async findAccount(_ctx, name) {
      const claims = settings().people[name];
      return claims && { accountId: name, claims: () => ({ sub: name, ...claims }) };
    },
    async loadExistingGrant(ctx) {
      const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope("openid profile groups");
      await grant.save();
      return grant;
    },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
