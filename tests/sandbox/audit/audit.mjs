// Prints the audit of GRAPHQL_URL as JSON: [{id, name, status, reason}].
import { auditServer } from "graphql-http";

const { GRAPHQL_URL, GRAPHQL_AUTHORIZATION } = process.env;

const fetchFn = (url, init = {}) => {
  const headers = { ...init.headers, authorization: GRAPHQL_AUTHORIZATION };
  return fetch(url, { ...init, headers });
};

const results = await auditServer({ url: GRAPHQL_URL, fetchFn });
console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
