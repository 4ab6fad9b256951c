import { NodeServices } from "@effect/platform-node"
import { Layer } from "effect"
import { Augment } from "./pipeline/Augment.ts"
import * as FileRows from "./layers/sources/FileRows.ts"
import * as DiskCatalogueFiles from "./layers/sources/DiskCatalogueFiles.ts"
import * as DiskExports from "./layers/storage/DiskExports.ts"
import * as DiskFeatureCache from "./layers/storage/DiskFeatureCache.ts"
import * as DiskImageFiles from "./layers/images/DiskImageFiles.ts"
import * as DiskPretrained from "./layers/hub/DiskPretrained.ts"
import * as DiskRuns from "./layers/storage/DiskRuns.ts"
import * as DiskImageBytes from "./layers/images/DiskImageBytes.ts"
import * as LiveEngines from "./layers/engines/LiveEngines.ts"
import * as NodeMachine from "./layers/machine/NodeMachine.ts"
import * as ProcessorFeatures from "./layers/features/ProcessorFeatures.ts"
import * as PlotCharts from "./layers/pages/PlotCharts.ts"
import * as Pages from "./run/report/Pages.ts"
import * as ProcessExportReaders from "./layers/exportReaders/ProcessExportReaders.ts"
import * as SharpImages from "./layers/images/SharpImages.ts"
import * as SharpSampleCatalogue from "./layers/sources/SharpSampleCatalogue.ts"
import * as SharpThumbnails from "./layers/images/SharpThumbnails.ts"
import * as TerminalProgress from "./layers/terminal/TerminalProgress.ts"
import * as WorkerFeed from "./layers/images/feed/WorkerFeed.ts"

/** Every stage by its live Layer: what the command line runs on. */
export const layer = Layer.mergeAll(
  FileRows.layer,
  DiskCatalogueFiles.layer,
  SharpImages.layerFromBytes,
  Augment.layer,
  WorkerFeed.layer,
  LiveEngines.layer,
  DiskPretrained.layer,
  DiskImageFiles.layer,
  DiskFeatureCache.layer(),
  ProcessorFeatures.layer,
  DiskExports.layer,
  ProcessExportReaders.layer,
  NodeMachine.layer,
  TerminalProgress.layer,
  Pages.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(PlotCharts.layer, SharpThumbnails.layerFromBytes, SharpSampleCatalogue.layer, DiskRuns.layer)
    )
  )
).pipe(Layer.provide(DiskImageBytes.layer), Layer.provideMerge(NodeServices.layer))
