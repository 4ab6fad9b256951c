import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { ServerResponse } from "node:http"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as DiskPretrained from "../../../src/layers/hub/DiskPretrained.ts"
import type { Network } from "../../../src/model/Network.ts"
import { convnextAtto, convnextTiny } from "../../../src/model/networks/convnext.ts"
import { efficientnetB0 } from "../../../src/model/networks/efficientnet.ts"
import { mobilenetV3Large } from "../../../src/model/networks/mobilenetV3.ts"
import { resnet18, resnet50 } from "../../../src/model/networks/resnet.ts"
import { simpleCnn } from "../../../src/model/networks/simpleCnn.ts"
import { vitS16 } from "../../../src/model/networks/vit.ts"
import { parameters } from "../../../src/model/shapes.ts"
import { pretrainedName, pretrainedWeights, startWeights } from "../../../src/model/startWeights.ts"
import { sizeOf } from "../../../src/model/Tensor.ts"
import { encode } from "../../../src/model/safetensors.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { resolveConfig } from "../../../src/run/train/resolveConfig.ts"
import {
  convnext_atto,
  convnext_tiny,
  efficientnet_b0,
  mobilenetv3_large_100,
  vit_small_patch16_224
} from "../../model/timm.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import { send, serve } from "./download/server.ts"
import { withHub } from "./hub.ts"

/** Names and shapes that are torchvision's and timm's. */
const ofTorchvision = (network: Network) => parameters(network).map(({ name, shape }) => [name, shape] as const)

const source = "hf:timm/net.v1"
const folder = "/timm/net.v1/resolve/main/"

/** As timm writes it. */
const timm = {
  architecture: "mobilenetv2_100",
  num_classes: 1000,
  num_features: 1280,
  pretrained_cfg: {
    tag: "ra_in1k",
    custom_load: false,
    input_size: [3, 224, 224],
    fixed_input_size: false,
    interpolation: "bicubic",
    crop_pct: 0.875,
    crop_mode: "center",
    mean: [0.485, 0.456, 0.406] as const,
    std: [0.229, 0.224, 0.225] as const,
    num_classes: 1000,
    pool_size: [7, 7],
    first_conv: "conv_stem",
    classifier: "classifier"
  }
}
const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const config = json(timm)

const weights = (metadata: Readonly<Record<string, string>>) =>
  encode(new Map([["conv.weight", { shape: [2, 3], data: Float32Array.from([1, 2, 3, 4, 5, 6]) }]]), metadata)

/** What a run makes of the weights of a hub: mean, std, padding and notes. */
const resolved = Effect.fnUntraced(function* (
  environment: Readonly<Record<string, string>>,
  { image = {}, network = {} }: { readonly image?: object; readonly network?: object } = {}
) {
  const notes: Array<string> = []
  const raw = { data: { root: "shop" }, image, network: { name: "mobilenet-v2", weights: source, ...network } }
  const { image: scale, network: built } = yield* Effect.flatMap(decodeRunConfig(raw, "test"), (config) =>
    resolveConfig(config)
  ).pipe(Effect.provide(DiskPretrained.layer), withHub(environment, { notes, patience: 1000 }))
  const unsaid = notes.filter((note) => note.includes("0.5 is used"))
  return {
    ...scale,
    padding: built.padding,
    unsaid,
    notes: notes.filter((note) => !/0\.5 is used|SHA-256/.test(note))
  }
})

/** A hub whose files are these, and what it was asked for; a function answers for itself. */
const hubOf = Effect.fnUntraced(function* (
  files: Readonly<Record<string, Buffer | Uint8Array | ((response: ServerResponse, count: number) => void)>>
) {
  const asked: Array<string> = []
  const address = yield* serve((request, response) => {
    const url = request.url ?? ""
    const file = files[url]
    asked.push(url)
    if (file === undefined) response.writeHead(404).end()
    else if (typeof file === "function") file(response, asked.filter((one) => one === url).length - 1)
    else send(request, response, file, { etag: `"${"a".repeat(40)}"` })
  })
  const cache = yield* temporaryFolder
  return { asked, environment: { HF_ENDPOINT: address, WEFT_CACHE: cache }, cache, address }
})

it.live("what timm's config.json says is taken where the weights are silent, and is fetched once", () =>
  Effect.gen(function* () {
    const { asked, environment } = yield* hubOf({
      [`${folder}model.safetensors`]: weights({ format: "pt" }),
      [`${folder}config.json`]: config
    })
    for (const more of [{}, { HF_HUB_OFFLINE: "1" }]) {
      const { mean, notes, padding, std, unsaid } = yield* resolved({ ...environment, ...more })
      assert.deepStrictEqual([mean, std], [timm.pretrained_cfg.mean, timm.pretrained_cfg.std])
      assert.strictEqual(padding, "symmetric")
      assert.deepStrictEqual(notes, [
        "taken from timm/net.v1@main/config.json: mean 0.485,0.456,0.406; std 0.229,0.224,0.225; padding symmetric"
      ])
      assert.deepStrictEqual(unsaid, [])
    }
    assert.deepStrictEqual(asked, [`${folder}model.safetensors`, `${folder}config.json`])
  })
)

it.live("the configuration comes first, then the weights' own file; what they say all of is not asked for", () =>
  Effect.gen(function* () {
    const half = yield* hubOf({
      [`${folder}model.safetensors`]: weights({ mean: "0.1,0.2,0.3" }),
      [`${folder}config.json`]: config
    })
    const partly = yield* resolved(half.environment, { network: { padding: "same" } })
    assert.deepStrictEqual([partly.mean, partly.std, partly.padding], [[0.1, 0.2, 0.3], [0.229, 0.224, 0.225], "same"])
    assert.deepStrictEqual(partly.notes, [
      "taken from the weights' own file: mean 0.1,0.2,0.3",
      "taken from timm/net.v1@main/config.json: std 0.229,0.224,0.225"
    ])
    const whole = yield* hubOf({
      [`${folder}model.safetensors`]: weights({ mean: "0.1,0.2,0.3", std: "0.4,0.5,0.6", kernel: "cubic" }),
      [`${folder}config.json`]: config
    })
    const own = yield* resolved(whole.environment, { network: { name: "vgg16" } })
    assert.deepStrictEqual([own.mean, own.std, own.padding], [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], undefined])
    assert.deepStrictEqual(whole.asked, [`${folder}model.safetensors`])
  })
)

it.live("a network from TensorFlow pads as there, unless it was built otherwise", () =>
  Effect.gen(function* () {
    const cases = [
      [{ architecture: "tf_mobilenetv2_100" }, "same"],
      [{ architecture: "not_tf_net" }, "symmetric"],
      [{ model_args: { pad_type: "same", num_classes: 2 } }, "same"],
      [{ architecture: "tf_net", model_args: { pad_type: "" } }, "symmetric"],
      [{ architecture: "tf_net", model_args: { pad_type: null } }, "symmetric"]
    ] as const
    for (const [change, expected] of cases) {
      const { environment } = yield* hubOf({
        [`${folder}model.safetensors`]: weights({}),
        [`${folder}config.json`]: json({ ...timm, ...change })
      })
      assert.strictEqual((yield* resolved(environment)).padding, expected, JSON.stringify(change))
    }
  })
)

it.live("a named file of a revision has the config.json of that revision, from the repository's root", () =>
  Effect.gen(function* () {
    const root = "/timm/net.v1/resolve/v2/"
    const { asked, cache, environment } = yield* hubOf({
      [`${root}half/model.fp16.safetensors`]: weights({}),
      [`${root}config.json`]: config
    })
    const network = { weights: `${source}@v2/half/model.fp16.safetensors` }
    const { mean, notes } = yield* resolved(environment, { network })
    assert.deepStrictEqual(mean, timm.pretrained_cfg.mean)
    assert.include(notes[0], "taken from timm/net.v1@v2/config.json: ")
    assert.deepStrictEqual(asked, [`${root}half/model.fp16.safetensors`, `${root}config.json`])
    assert.isTrue(readFileSync(join(cache, "hub", "timm", "net.v1", "v2", "config.json")).equals(config))
  })
)

it.live("without a config.json all is as before: one note, that mean and std are not known", () =>
  Effect.gen(function* () {
    const { environment } = yield* hubOf({ [`${folder}model.safetensors`]: weights({}) })
    const { mean, notes, padding, unsaid } = yield* resolved(environment)
    assert.deepStrictEqual([mean, padding, notes, unsaid.length], [undefined, undefined, [], 1])
    assert.include(unsaid[0], "does not have its mean and std: 0.5 is used")
  })
)

it.live("weights in the cache are used where config.json cannot be fetched, and notes report that", () =>
  Effect.gen(function* () {
    const refusing = yield* hubOf({ [`${folder}config.json`]: (response) => void response.writeHead(403).end() })
    const closed = yield* Effect.scoped(serve(() => {}))
    const cases = [
      [{ HF_HUB_OFFLINE: "1" }, "config.json has not been fetched yet, and HF_HUB_OFFLINE is set"],
      [{ HF_ENDPOINT: closed }, "ECONNREFUSED"],
      [{}, "status 403"]
    ] as const
    const path = join(refusing.cache, "hub", "timm", "net.v1", "main", "model.safetensors")
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, weights({ std: "0.4,0.5,0.6" }))
    for (const [more, text] of cases) {
      const { mean, notes, std, unsaid } = yield* resolved({ ...refusing.environment, ...more })
      assert.deepStrictEqual([mean, std], [undefined, [0.4, 0.5, 0.6]])
      assert.lengthOf(notes, 2)
      assert.include(notes[1], "what config.json says of the weights is not known: ")
      assert.include(notes[1], text)
      assert.notInclude(notes[1], "network.weights")
      assert.include(unsaid[0], "does not have its mean: 0.5 is used")
    }
    assert.deepStrictEqual(refusing.asked, [`${folder}config.json`])
  })
)

it.live("a config.json that is cut on its way is gone on with; one of another length is thrown away", () =>
  Effect.gen(function* () {
    const cut = yield* hubOf({
      [`${folder}model.safetensors`]: weights({}),
      [`${folder}config.json`]: (response, count) => {
        if (count > 0) {
          const from = 100
          response.writeHead(206, {
            "content-range": `bytes ${from}-${config.length - 1}/${config.length}`,
            "content-length": config.length - from,
            etag: '"one"'
          })
          return void response.end(config.subarray(from))
        }
        response.writeHead(200, { "content-length": config.length, etag: '"one"' })
        response.write(config.subarray(0, 100))
      }
    })
    assert.deepStrictEqual((yield* resolved(cut.environment)).std, timm.pretrained_cfg.std)
    const longer = yield* hubOf({
      [`${folder}model.safetensors`]: weights({}),
      [`${folder}config.json`]: (response) => {
        const headers = { "content-length": config.length, "x-linked-size": String(config.length + 1) }
        response.writeHead(200, headers).end(config)
      }
    })
    const { mean, notes } = yield* resolved(longer.environment)
    assert.isUndefined(mean)
    assert.include(notes[0], `${config.length} bytes, and ${config.length + 1} are published`)
    assert.isFalse(existsSync(join(longer.cache, "hub", "timm", "net.v1", "main", "config.json")))
  })
)

it.live("a config.json that is not timm's, or has impossible values, is left out with a note that names it", () =>
  Effect.gen(function* () {
    const withScale = (scale: object) => json({ ...timm, pretrained_cfg: scale })
    const wrong: ReadonlyArray<readonly [Uint8Array, string]> = [
      [Buffer.from("not found"), "JSON"],
      [Buffer.alloc(0), "JSON"],
      [json([timm]), "object"],
      [json({ architectures: ["ResNetForImageClassification"], hidden_sizes: [256] }), "architecture"],
      [json({ architecture: "net" }), "pretrained_cfg"],
      [withScale({ mean: [0.5], std: [0.5] }), "mean"],
      [withScale({ mean: [123.675, 116.28, 103.53] }), "mean"],
      [withScale({ std: [0.1, 0, 0.2] }), "std"],
      [withScale({ mean: "0.1,0.2,0.3" }), "mean"],
      [json({ ...timm, model_args: { pad_type: "valid" } }), "pad_type"],
      [Buffer.alloc(5_000_000, " "), "5000000 bytes"]
    ]
    for (const [text, part] of wrong) {
      const { cache, environment } = yield* hubOf({
        [`${folder}model.safetensors`]: weights({}),
        [`${folder}config.json`]: text
      })
      const { mean, notes, padding, std, unsaid } = yield* resolved(environment)
      assert.deepStrictEqual([mean, std, padding], [undefined, undefined, undefined])
      assert.lengthOf(notes, 1)
      assert.include(
        notes[0],
        `${join(cache, "hub", "timm", "net.v1", "main", "config.json")} does not describe weights`
      )
      assert.include(notes[0], part)
      assert.lengthOf(unsaid, 1)
    }
  })
)

/** As timm publishes them: the architecture's name, and how its weights were trained. */
const published = [
  {
    network: "resnet18",
    repository: "resnet18.a1_in1k",
    shapes: ofTorchvision(resnet18.build({ height: 64, width: 64, classes: 10 })),
    build: resnet18
  },
  {
    network: "resnet50",
    repository: "resnet50.a1_in1k",
    shapes: ofTorchvision(resnet50.build({ height: 64, width: 64, classes: 10 })),
    build: resnet50
  },
  {
    network: "mobilenet-v3-large",
    repository: "mobilenetv3_large_100.miil_in21k_ft_in1k",
    mean: [0, 0, 0],
    std: [1, 1, 1],
    interpolation: "bilinear",
    shapes: mobilenetv3_large_100(10),
    build: mobilenetV3Large
  },
  {
    network: "mobilenet-v3-large",
    repository: "tf_mobilenetv3_large_100.in1k",
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    padding: "same",
    shapes: mobilenetv3_large_100(10),
    build: mobilenetV3Large
  },
  {
    network: "efficientnet-b0",
    repository: "efficientnet_b0.ra_in1k",
    padding: "symmetric",
    shapes: efficientnet_b0(10),
    build: efficientnetB0
  },
  {
    network: "efficientnet-b0",
    repository: "tf_efficientnet_b0.ns_jft_in1k",
    padding: "same",
    shapes: efficientnet_b0(10),
    build: efficientnetB0
  },
  { network: "convnext-tiny", repository: "convnext_tiny.fb_in22k", shapes: convnext_tiny(10), build: convnextTiny },
  { network: "convnext-atto", repository: "convnext_atto.d2_in1k", shapes: convnext_atto(10), build: convnextAtto },
  {
    network: "vit-s16",
    repository: "vit_small_patch16_224.augreg_in21k",
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    shapes: vit_small_patch16_224(10),
    build: vitS16
  }
] as const

for (const { build, network: name, repository, shapes, ...facts } of published)
  it.live(`hf:timm/${repository} gives ${name} its weights and its settings`, () =>
    Effect.gen(function* () {
      const {
        interpolation = "bicubic",
        mean = timm.pretrained_cfg.mean,
        std = timm.pretrained_cfg.std
      } = {
        interpolation: undefined,
        mean: undefined,
        std: undefined,
        ...facts
      }
      const padding = "padding" in facts ? facts.padding : undefined
      const tensors = new Map(
        shapes
          .filter(([tensor]) => !tensor.endsWith("num_batches_tracked"))
          .map(([tensor, shape], i) => [tensor, { shape, data: new Float32Array(sizeOf(shape)).fill(1 + i / 1000) }])
      )
      const { environment } = yield* hubOf({
        [`/timm/${repository}/resolve/main/model.safetensors`]: encode(tensors, { format: "pt" }),
        [`/timm/${repository}/resolve/main/config.json`]: json({
          architecture: repository.split(".")[0],
          num_classes: 10,
          pretrained_cfg: { ...timm.pretrained_cfg, interpolation, mean, std }
        })
      })
      const weights = `hf:timm/${repository}`
      const found = yield* resolved(environment, { network: { name, weights } })
      assert.deepStrictEqual([found.mean, found.std, found.unsaid], [[...mean], [...std], []])
      if (padding !== undefined) assert.strictEqual(found.padding, padding)
      assert.strictEqual(found.kernel, interpolation === "bilinear" ? "linear" : undefined)

      const size = { height: 224, width: 224, head: "fc" } as const
      const built = build.build({ ...size, classes: 10, ...(padding && { padding }) })
      const whole = yield* pretrainedWeights(built, { head: true, source: weights }).pipe(
        Effect.provide(DiskPretrained.layer),
        withHub(environment)
      )
      assert.deepStrictEqual(
        [...whole.keys()],
        parameters(built).map(({ name }) => name)
      )
      const ours = new Map(whole)
      for (const [tensor, { data }] of tensors) {
        const own = pretrainedName(name, tensor) ?? ""
        const moved =
          name === "mobilenet-v3-large" && padding === undefined && own.endsWith(".running_var") ? 0.00099 : 0
        assert.approximately(ours.get(own)!.data.at(-1)! + moved, data.at(-1)!, 1e-6, tensor)
      }
      // Of other classes: all but the head, and a network of another kind is refused with both names.
      const begun = yield* startWeights(build.build({ ...size, classes: 3 }), 1, weights).pipe(
        Effect.provide(DiskPretrained.layer),
        withHub(environment)
      )
      assert.strictEqual(begun.size, whole.size)
      const error = yield* startWeights(simpleCnn.build({ ...size, classes: 3 }), 1, weights).pipe(
        Effect.provide(DiskPretrained.layer),
        withHub(environment),
        Effect.flip
      )
      assert.match(error.message, /they are not those of simple-cnn/)
    })
  )
