/** Whether an address is a `data:` picture without characters that could end an attribute. */
export const isLocalPicture = (address: string): boolean =>
  /^data:image\/(webp|jpeg|png);base64,[A-Za-z0-9+/=]+$/.test(address)
