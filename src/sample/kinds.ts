import { cap, sock, sunglasses, tie, watch } from "./accessories.ts"
import { backpack, handbag } from "./bags.ts"
import { casualShoe, heel, sandal } from "./footwear.ts"
import type { Kind } from "./Kind.ts"
import { jeans, shorts } from "./legs.ts"
import { dress, jacket, shirt, tshirt } from "./torso.ts"

const kind =
  (masterCategory: string, subCategory: string) =>
  (articleType: string, noun: string, share: number, shape: Kind["shape"]): Kind => ({
    articleType,
    masterCategory,
    subCategory,
    noun,
    share,
    shape
  })

const topwear = kind("Apparel", "Topwear")
const bottomwear = kind("Apparel", "Bottomwear")
const shoes = kind("Footwear", "Shoes")
const bags = kind("Accessories", "Bags")

/**
 * The kinds of the sample catalogue: 14 with a long tail, and two that are too rare to learn.
 *
 * The shares add up to 1. Shirts, T-shirts and jackets look alike, as do shoes and sandals, and the two bags.
 */
export const kinds: ReadonlyArray<Kind> = [
  topwear("Tshirts", "T-shirt", 0.16, tshirt),
  topwear("Shirts", "Shirt", 0.12, shirt),
  shoes("Casual Shoes", "Casual Shoes", 0.11, casualShoe),
  kind("Accessories", "Watches")("Watches", "Watch", 0.085, watch),
  bags("Handbags", "Handbag", 0.08, handbag),
  topwear("Jackets", "Jacket", 0.085, jacket),
  shoes("Heels", "Heels", 0.06, heel),
  kind("Footwear", "Sandal")("Sandals", "Sandals", 0.06, sandal),
  bags("Backpacks", "Backpack", 0.05, backpack),
  bottomwear("Jeans", "Jeans", 0.045, jeans),
  kind("Apparel", "Dress")("Dresses", "Dress", 0.045, dress),
  kind("Accessories", "Eyewear")("Sunglasses", "Sunglasses", 0.035, sunglasses),
  bottomwear("Shorts", "Shorts", 0.032, shorts),
  kind("Accessories", "Headwear")("Caps", "Cap", 0.025, cap),
  kind("Accessories", "Socks")("Socks", "Socks", 0.005, sock),
  kind("Accessories", "Ties")("Ties", "Tie", 0.003, tie)
]
