export declare const page: string
