# Weft on wasm, without a GPU: docker build -t weft . && docker run --rm -v "$PWD:/work" weft train
FROM node:24-slim AS build
WORKDIR /weft
COPY . .
RUN npx --yes pnpm install --frozen-lockfile \
  && npm pack --pack-destination /tmp \
  && mv /tmp/weft-ml-*.tgz /tmp/weft-ml.tgz

FROM node:24-slim
# More engines are packages more: onnxruntime-node for frozen networks and fast predictions (weft doctor names them all).
ARG ENGINES=""
COPY --from=build /tmp/weft-ml.tgz /tmp/weft-ml.tgz
# In one folder, so that Weft and its engines share one TensorFlow.js.
RUN npm install --prefix /opt/weft/lib --ignore-scripts --no-audit --no-fund /tmp/weft-ml.tgz ${ENGINES} \
  && npm cache clean --force
ENV PATH=/opt/weft/lib/node_modules/.bin:$PATH
# Runs and fetched weights go to the working folder and to the cache; both may be mounted.
RUN mkdir -p /work /cache && chown node:node /work /cache
ENV WEFT_CACHE=/cache
USER node
WORKDIR /work
ENTRYPOINT ["weft"]
CMD ["--help"]
