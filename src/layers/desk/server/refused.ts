import type { Classified } from "../../../run/serve/Classifier.ts"
import { DamagedImage, TooLarge, UnsupportedImage } from "../api/refusals.ts"
import type { ServerLimits } from "./settings.ts"

type Refusal = Extract<Classified, { readonly _tag: "Refused" }>

const kindOf = ({ reason }: Refusal): "tooLarge" | "damaged" | "unsupported" => {
  switch (reason) {
    case "imageTooLarge":
      return "tooLarge"
    case "imageCorrupt":
    case "imageChanged":
    case "imageUnreadable":
      return "damaged"
    default:
      return "unsupported"
  }
}

/** An image that is refused among others that are not. */
export const refusedOf = (name: string, refusal: Refusal) => ({
  _tag: "Refused" as const,
  name,
  reason: kindOf(refusal),
  message: refusal.detail
})

/** The error of a request whose only image is refused. */
export const refusalOf = (refusal: Refusal, { imagePixels }: ServerLimits) => {
  const message = refusal.detail
  switch (kindOf(refusal)) {
    case "tooLarge":
      return new TooLarge({ of: "pixels", most: imagePixels, message })
    case "damaged":
      return new DamagedImage({ message })
    case "unsupported":
      return new UnsupportedImage({ message })
  }
}
