/** The 70 article types of Fashion Product Images (Small) with 50 rows or more: a catalogue of a real size. */
export const fashionLabels: ReadonlySet<string> = new Set(
  (
    "Accessory Gift Set, Backpacks, Bangle, Belts, Boxers, Bra, Bracelet, Briefs, Capris, Caps, Casual Shoes, " +
    "Clutches, Cufflinks, Deodorant, Dresses, Duffel Bag, Dupatta, Earrings, Face Moisturisers, Flats, Flip Flops, " +
    "Formal Shoes, Foundation and Primer, Fragrance Gift Set, Free Gifts, Handbags, Heels, Highlighter and Blush, " +
    "Innerwear Vests, Jackets, Jeans, Jewellery Set, Kajal and Eyeliner, Kurta Sets, Kurtas, Kurtis, Laptop Bag, " +
    "Leggings, Lip Gloss, Lipstick, Lounge Pants, Nail Polish, Necklace and Chains, Night suits, Nightdress, Pendant, " +
    "Perfume and Body Mist, Ring, Sandals, Sarees, Scarves, Shirts, Shorts, Skirts, Socks, Sports Sandals, " +
    "Sports Shoes, Stoles, Sunglasses, Sweaters, Sweatshirts, Ties, Tops, Track Pants, Trousers, Trunk, Tshirts, " +
    "Tunics, Wallets, Watches"
  ).split(", ")
)
