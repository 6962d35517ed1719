/** What survives JSON and `structuredClone` alike. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
