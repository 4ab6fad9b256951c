import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import { Augment } from "./pipeline/Augment.ts"
import * as FileRows from "./layers/sources/FileRows.ts"
import * as DiskCatalogueFiles from "./layers/sources/DiskCatalogueFiles.ts"
import * as DiskExports from "./layers/storage/DiskExports.ts"
import * as DiskFeatureCache from "./layers/storage/DiskFeatureCache.ts"
import * as DiskImageFiles from "./layers/images/DiskImageFiles.ts"
import * as DiskPretrained from "./layers/hub/DiskPretrained.ts"
import * as DiskRuns from "./layers/storage/DiskRuns.ts"
import * as Checks from "./layers/images/Checks.ts"
import * as AllImageBytes from "./layers/images/AllImageBytes.ts"
import * as LiveEngines from "./layers/engines/LiveEngines.ts"
import * as Loggers from "./layers/logging/loggers.ts"
import * as NodeMachine from "./layers/machine/NodeMachine.ts"
import * as ProcessorFeatures from "./layers/features/ProcessorFeatures.ts"
import * as OnnxProducts from "./layers/features/OnnxProducts.ts"
import * as PlotCharts from "./layers/pages/PlotCharts.ts"
import { livePageLogger } from "./run/report/livePage.ts"
import * as Pages from "./run/report/Pages.ts"
import { metricsLogger } from "./run/train/metricsLogger.ts"
import { tensorboardLogger } from "./run/train/tensorboard/tensorboardLogger.ts"
import * as ProcessExportReaders from "./layers/exportReaders/ProcessExportReaders.ts"
import * as SharpImages from "./layers/images/SharpImages.ts"
import * as SharpSampleCatalogue from "./layers/sources/SharpSampleCatalogue.ts"
import * as SharpThumbnails from "./layers/images/SharpThumbnails.ts"
import * as TerminalProgress from "./layers/terminal/TerminalProgress.ts"
import * as WorkerFeed from "./layers/images/feed/WorkerFeed.ts"

/** Who follows a run while it goes on: a new one is a file and a line here. */
const loggers = Loggers.layerWith(
  Effect.gen(function* () {
    return [tensorboardLogger, yield* livePageLogger, metricsLogger]
  })
)

/** Every stage by its live Layer: what the command line runs on. */
export const layer = Layer.mergeAll(
  FileRows.layer,
  DiskCatalogueFiles.layer,
  SharpImages.layerFromBytes.pipe(Layer.provide(Checks.layer)),
  Augment.layer,
  WorkerFeed.layer,
  LiveEngines.layer,
  DiskPretrained.layer,
  DiskImageFiles.layer,
  DiskFeatureCache.layer(),
  ProcessorFeatures.layer,
  OnnxProducts.layer,
  DiskExports.layer,
  ProcessExportReaders.layer,
  NodeMachine.layer,
  TerminalProgress.layer,
  Layer.merge(Pages.layer, loggers).pipe(
    Layer.provideMerge(
      Layer.mergeAll(PlotCharts.layer, SharpThumbnails.layerFromBytes, SharpSampleCatalogue.layer, DiskRuns.layer)
    )
  )
).pipe(Layer.provideMerge(AllImageBytes.layer), Layer.provideMerge(NodeServices.layer))
