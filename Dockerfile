# The `ferry` command and its workers. Glibc, for the native part of Temporal's SDK.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY tools/bundle-workflows.mjs tools/
COPY src src
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production FERRY_CONFIG=/etc/ferry/ferry.yaml FERRY_STATE_DIR=/var/lib/ferry
WORKDIR /app
# Certificates of public authorities, for TLS to Temporal Cloud and managed Qdrant.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
  && mkdir -p /var/lib/ferry && chown node:node /var/lib/ferry
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
ENTRYPOINT ["node", "--enable-source-maps", "/app/dist/cli.js"]
CMD ["--help"]
