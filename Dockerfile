# syntax=docker/dockerfile:1
# Two stages: packages are installed where npm is, and run where only Node is needed.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
ENV NODE_ENV=production
COPY package.json package-lock.json ./
COPY tools/node-runtime/package.json tools/node-runtime/package.json
# Development dependencies stay out (the Node that npm brings with them too); optional ones hold argon2's binary.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Twofold" \
      org.opencontainers.image.description="An OpenID Connect identity provider that issues tokens only after the second factor succeeded" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
    TWOFOLD_HOST=0.0.0.0 \
    TWOFOLD_DATA_DIR=/data \
    NODE_COMPILE_CACHE=/tmp/compile
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY bin bin
COPY src src
COPY views views
COPY migrations migrations
COPY LICENSE ./
# A numeric user: Kubernetes can see that it is not root. Only /data and /tmp are ever written.
RUN mkdir /data && chown 10001:10001 /data
USER 10001:10001
VOLUME ["/data"]
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 3000}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/twofold.mjs"]
CMD ["serve"]
