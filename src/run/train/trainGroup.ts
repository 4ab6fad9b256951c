import { Effect, Result } from "effect"
import type { EpochRecord, RanOn, Report } from "../../metrics/Report.ts"
import { CheckpointError } from "../../model/Checkpoints.ts"
import type { Engine, EngineError } from "../../model/Engine.ts"
import { EngineUnavailable } from "../../model/Engine.ts"
import { Engines } from "../../model/Engines.ts"
import type { OpenFeatures } from "../../model/Features.ts"
import { FeaturesError } from "../../model/Features.ts"
import type { LearnerError } from "../../model/Learner.ts"
import type { NetworkMisfit } from "../../model/networks.ts"
import { networkFor } from "../../model/networks.ts"
import type { UnknownBlock } from "../../model/parts.ts"
import type { WeightsError } from "../../model/Pretrained.ts"
import { Pretrained } from "../../model/Pretrained.ts"
import type { Passes } from "../../model/Training.ts"
import { trainTogether } from "../../model/Training.ts"
import type { Known } from "../../pipeline/checkImages.ts"
import type { Dataset } from "../../pipeline/Dataset.ts"
import { ledgerCounts } from "../../pipeline/Ledger.ts"
import { report } from "../../pipeline/Progress.ts"
import { forGoingOn, readBegunData, writeBegunData } from "./begunData.ts"
import { canonical } from "../../pipeline/canonical.ts"
import { configDigest } from "../configDigest.ts"
import type { TrainedRun } from "./finishRuns.ts"
import { finishRuns } from "./finishRuns.ts"
import { ledgerText } from "./ledgerText.ts"
import { Machine } from "../Machine.ts"
import type { Member } from "./Member.ts"
import type { OpenBatches } from "./openBatches.ts"
import { openBatches } from "./openBatches.ts"
import type { Beginning, OpenLearner } from "./openLearner.ts"
import { beginLearner, openLearner } from "./openLearner.ts"
import { passKey } from "./passKey.ts"
import { recordSteps } from "./recordSteps.ts"
import { rememberTensors } from "./rememberTensors.ts"
import type { RunEngine } from "./RunEngine.ts"
import { chosenEngine, runEngineText } from "./RunEngine.ts"
import type { RunFolderError } from "../RunFolder.ts"
import { writeChanged } from "../RunFolder.ts"
import { bytesOf, sideBySide } from "../evaluate/sideBySide.ts"
import { trainingData } from "./trainingData.ts"

/** What ends one member of a group, and touches no other. */
export type MemberError =
  | LearnerError
  | RunFolderError
  | NetworkMisfit
  | UnknownBlock
  | WeightsError
  | EngineError
  | EngineUnavailable

/** How a member's run ended. */
export type MemberEnding =
  | { readonly state: "finished"; readonly report: Report }
  | { readonly state: "paused"; readonly history: ReadonlyArray<EpochRecord> }
  | { readonly state: "failed"; readonly error: MemberError; readonly history: ReadonlyArray<EpochRecord> }

/** A group's way: what is known of each member's end, and how many images were made for how many that were wanted. */
class Endings {
  readonly all = new Map<Member, MemberEnding>()
  readonly passes: Passes = { wanted: 0, made: 0 }

  count({ made, wanted }: Readonly<Passes>): void {
    this.passes.made += made
    this.passes.wanted += wanted
  }

  /** What a step of each member gives; of those that fail, the error is the end. */
  each<M, A, E extends MemberError, R>(
    ones: ReadonlyArray<M>,
    memberOf: (one: M) => Member,
    step: (one: M) => Effect.Effect<A, E, R>
  ): Effect.Effect<ReadonlyArray<A>, never, R> {
    return Effect.map(
      Effect.forEach(ones, (one) => Effect.result(step(one))),
      (results) =>
        results.flatMap((result, i) => {
          if (Result.isSuccess(result)) return [result.success]
          this.all.set(memberOf(ones[i]!), { state: "failed", error: result.failure, history: [] }) // one for each
          return []
        })
    )
  }
}

const groupsBy = <A>(items: ReadonlyArray<A>, keyOf: (item: A) => string): ReadonlyArray<ReadonlyArray<A>> => [
  ...Map.groupBy(items, keyOf).values()
]

/** How a run that cannot go on on what it began on can be made to: what is not bit for bit the same is said. */
const forced =
  "Or go on with what runs here: --resume --engine auto; the weights are then not those of one engine, " +
  "and the history says which epoch ran on what."

/** Tells that a trial goes on on something else than it began on: nobody is there to be asked. */
const tellChange = (member: Member, { message }: EngineUnavailable | FeaturesError) =>
  report({
    _tag: "Note",
    line: `it does not go on on what it began on: ${message}`,
    ...(member.trial !== undefined && { trial: member.trial })
  })

/** The engine that members want; a run that has begun stays with its own, a trial where that runs here. */
const chooseEngine = Effect.fnUntraced(function* (first: Member) {
  const { anyClasses, config, engine, isBegun, trial } = first
  const { choose } = yield* Engines
  const wanted = choose({ ...config.engine, name: engine.name, device: engine.device }, anyClasses)
  if (!isBegun) return yield* wanted
  return yield* Effect.catchTag(wanted, "EngineUnavailable", (error) =>
    trial === undefined
      ? Effect.fail(
          new EngineUnavailable({
            engine: error.engine,
            reason: `${error.reason}. The run began on it, and stays with it`,
            cure: `${error.cure.replace(/\.?$/, ".")} ${forced}`
          })
        )
      : Effect.andThen(tellChange(first, error), choose(config.engine, anyClasses))
  )
})

/**
 * Trains, measures and writes down runs that may share what is made for them: batches of images where their `passKey` is
 * the same, features where their frozen part is the same too; as many at a time as the memory holds. All want the same
 * engine, by their configurations; those that have begun on another stay with that.
 *
 * A member that fails does not touch the others. What concerns all fails: the data, the batches, the engine.
 */
export const trainGroup = Effect.fn("trainGroup")(function* (members: ReadonlyArray<Member>) {
  const endings = new Endings()
  for (const same of groupsBy(members, ({ engine: { device, name } }) => canonical([name, device])))
    yield* trainOnEngine(same, endings)
  return { endings: endings.all as ReadonlyMap<Member, MemberEnding>, passes: endings.passes as Readonly<Passes> }
})

/** Members that want the same engine. */
const trainOnEngine = Effect.fn("trainGroup.engine")(function* (members: ReadonlyArray<Member>, endings: Endings) {
  const first = members[0]! // a group has at least one
  const engine = yield* chooseEngine(first)
  // The engine was tried with the first one's blocks; each other network is tried once.
  const tried = new Map([[canonical(first.anyClasses.blocks), Result.void as Result.Result<void, EngineUnavailable>]])
  const fit = yield* endings.each(
    members,
    (member) => member,
    Effect.fnUntraced(function* (member) {
      const blocks = canonical(member.anyClasses.blocks)
      const known = tried.get(blocks) ?? (yield* Effect.result(engine.preflight(member.anyClasses)))
      tried.set(blocks, known)
      yield* Effect.fromResult(known)
      return member
    })
  )
  for (const same of groupsBy(fit, ({ config }) => passKey(config)))
    for (const [known, members] of yield* byData(same)) yield* trainOnSame(engine, members, known, endings)
}, Effect.scoped)

/**
 * Members by the data that they began with, where they go on. New ones join the first of those: what it has lost since, is
 * lost for them as well.
 */
const byData = Effect.fnUntraced(function* (members: ReadonlyArray<Member>) {
  const all = yield* Effect.forEach(members, (member) =>
    Effect.map(readBegunData(member.folder, member.config), (begun) => ({ member, begun }))
  )
  const first = all.find(({ begun }) => begun !== undefined)?.begun
  const groups = Map.groupBy(all, ({ begun = first }) => begun?.digest)
  return Array.from(groups, ([digest, same]) => {
    const data = [first, ...same.map(({ begun }) => begun)].find((begun) => begun?.digest === digest)
    return [data && forGoingOn(data), same.map(({ member }) => member)] as const
  })
})

interface Begun {
  readonly member: Member
  readonly beginning: Beginning
}

/** Members that are given the same images. */
const trainOnSame = Effect.fn("trainGroup.data")(function* (
  engine: Engine["Service"],
  members: ReadonlyArray<Member>,
  known: Known | undefined,
  endings: Endings
) {
  const dataset = yield* trainingData(members[0]!.config, known) // a group has at least one
  const { classes, ledger } = dataset
  yield* report({
    _tag: "Note",
    line:
      `${ledger.kept} of ${ledger.listed} rows kept, ${classes.length} classes: ` +
      `${dataset.train.length} to train on, ${dataset.validation.length} to validate, ${dataset.test.length} to test`
  })
  const tensors = yield* rememberTensors
  const begun = yield* endings.each(
    members,
    (member) => member,
    Effect.fnUntraced(
      function* (member) {
        const { config } = member
        const network = yield* networkFor(config.network, { ...config.image, classes: classes.length })
        return { member, beginning: yield* beginLearner(network, config, dataset) }
      },
      Effect.provideService(Pretrained, tensors)
    )
  )
  const { memory } = yield* Machine
  for (const same of groupsBy(begun, frozenKey))
    for (const fit of sideBySide(same, ({ beginning }) => bytesOf(beginning), memory))
      yield* trainInOnePass(engine, dataset, fit, endings)
})

/** Names a run's frozen part and what applies it, among runs of one `passKey`. */
const frozenKey = ({ beginning: { config, frozen }, member }: Begun): string =>
  frozen === undefined ? "" : canonical([config.network.weights, frozen.blocks, member.engine.features])

/** The batches that members want; what applies the frozen part of a run that has begun stays, as its engine does. */
const batchesOf = Effect.fnUntraced(function* (
  engine: Engine["Service"],
  dataset: Dataset,
  { beginning, member }: Begun
) {
  const { config, frozen } = beginning
  const wanted = openBatches(engine, config, dataset, frozen, member.engine.features)
  if (!member.isBegun) return yield* wanted
  return yield* Effect.catchIf(
    wanted,
    (error) => error._tag === "FeaturesError" && error.reason === "unavailable",
    (error) =>
      member.trial === undefined
        ? Effect.fail(
            new FeaturesError({
              engine: error.engine,
              reason: "unavailable",
              detail: `${error.detail.replace(/\.?$/, ".")} The run began on it, and stays with it. ${forced}`
            })
          )
        : Effect.andThen(tellChange(member, error), openBatches(engine, config, dataset, frozen))
  )
})

/** Writes down that a run has begun, and on what; all that could refuse it has been asked. */
const beginRun = Effect.fnUntraced(
  function* ({ config, folder }: Member, dataset: Dataset, engine: RunEngine) {
    yield* writeChanged(folder, "ledger.jsonl", yield* ledgerText(dataset.ledger))
    yield* writeBegunData(folder, config, dataset)
    yield* writeChanged(folder, "engine.json", runEngineText(engine))
    // The last: it is what makes the folder a run's.
    yield* writeChanged(folder, "config.json", `${JSON.stringify(config, null, 2)}\n`)
  },
  Effect.mapError(({ detail, path }) => new CheckpointError({ path, reason: "failed", detail }))
)

const ranOnOf = ({ info }: Engine["Service"], features: OpenFeatures | undefined): RanOn => ({
  engine: info.name,
  // Why it is on no GPU is said where somebody asked for none, and is no part of the device.
  device: info.device.replace(/; no GPU: .*$/s, ""),
  ...(features !== undefined && { features: features.key })
})

/** Members that are given the same batches, each of which is made once. */
const trainInOnePass = Effect.fn("trainGroup.pass")(function* (
  engine: Engine["Service"],
  dataset: Dataset,
  begun: ReadonlyArray<Begun>,
  endings: Endings
) {
  const batches = yield* batchesOf(engine, dataset, begun[0]!) // a group has at least one
  const opened = yield* endings.each(
    begun,
    ({ member }) => member,
    Effect.fnUntraced(function* ({ beginning, member }) {
      const learner = yield* openLearner(engine, beginning, batches.features)
      return { member, learner, digest: yield* digestOf(learner) }
    })
  )
  if (opened.length === 0) return
  const { classes, ledger } = dataset
  const { endings: trainings, passes } = yield* trainTogether(
    opened.map(({ digest, learner, member }) => ({
      trial: member.trial,
      session: recordSteps(learner.session, member.folder, stepsOf(learner)),
      config: learner.config.train,
      checkpoints: member.checkpoints,
      digest,
      until: member.until,
      ranOn: ranOnOf(engine, batches.features),
      start: member.start,
      begin: beginRun(member, dataset, chosenEngine(member.engine, engine, batches.features))
    })),
    {
      classes: classes.length,
      samples: { train: dataset.train.length, validation: dataset.validation.length },
      ledger: ledgerCounts(ledger),
      losses: batches.losses,
      trainingBatches: batches.training,
      validationBatches: batches.evaluation("validation")
    }
  )
  endings.count(passes)
  const trained: Array<TrainedRun & { readonly member: Member }> = []
  for (const [i, { learner, member }] of opened.entries()) {
    const training = trainings[i]! // one for each
    if (training.state === "trained") trained.push({ ...member, member, engine, learner, trained: training })
    else endings.all.set(member, training)
  }
  yield* finish(trained, batches, endings)
}, Effect.scoped)

const finish = Effect.fnUntraced(function* (
  trained: ReadonlyArray<TrainedRun & { readonly member: Member }>,
  batches: OpenBatches,
  endings: Endings
) {
  if (trained.length === 0) return
  const { passes, reports } = yield* finishRuns(trained, batches)
  endings.count(passes)
  for (const [i, { member, trained: training }] of trained.entries())
    endings.all.set(
      member,
      Result.match(reports[i]!, {
        onSuccess: (report): MemberEnding => ({ state: "finished", report }),
        onFailure: (error): MemberEnding => ({ state: "failed", error, history: training.history })
      })
    )
})

/** Steps of a run that nothing stops early. */
const stepsOf = ({ config, dataset }: OpenLearner) =>
  config.train.epochs * Math.ceil(dataset.train.length / config.train.batchSize)

/** Names a run's configuration and data. */
const digestOf = Effect.fnUntraced(function* ({ config, dataset, weightsDigest }: OpenLearner) {
  const digest = yield* configDigest(config)
  return [digest, dataset.digest, ...(weightsDigest === undefined ? [] : [weightsDigest])].join("-")
})
