/**
 * How the remote API refuses: a status, a message, and the explanation that Ganeti's HTTP server adds. The body
 * is `{code, message, explain}`; the message is made safe for whoever shows it in a page, as Ganeti does.
 */

/** Reason phrase and explanation by status (Python's BaseHTTPRequestHandler.responses, which Ganeti shows). */
export const errorStatuses = {
  400: ['Bad Request', 'Bad request syntax or unsupported method'],
  401: ['Unauthorized', 'No permission -- see authorization schemes'],
  403: ['Forbidden', 'Request forbidden -- authorization will not help'],
  404: ['Not Found', 'Nothing matches the given URI'],
  405: ['Method Not Allowed', 'Specified method is invalid for this resource'],
  406: ['Not Acceptable', 'URI not available in preferred format'],
  408: ['Request Timeout', 'Request timed out; try again later'],
  413: ['Request Entity Too Large', 'Entity is too large'],
  415: ['Unsupported Media Type', 'Entity body in unsupported format'],
  431: ['Request Header Fields Too Large', 'The server is unwilling to process the request'],
  500: ['Internal Server Error', 'Server got itself in trouble'],
  501: ['Not Implemented', 'Server does not support this operation'],
  502: ['Bad Gateway', 'Invalid responses from another server/proxy'],
  503: ['Service Unavailable', 'The server cannot process the request due to a high load'],
  504: ['Gateway Timeout', 'The gateway server did not receive a timely response'],
} as const satisfies Readonly<Record<number, readonly [string, string]>>;

export type ErrorStatus = keyof typeof errorStatuses;

export class HttpError extends Error {
  readonly status: ErrorStatus;
  readonly headers: Readonly<Record<string, string>>;

  /** Without a message, the status says it. */
  constructor(status: ErrorStatus, message?: string, headers: Readonly<Record<string, string>> = {}) {
    super(message === undefined || message === '' ? errorStatuses[status][0] : message);
    this.status = status;
    this.headers = headers;
  }
}

export const badRequest = (message: string) => new HttpError(400, message);

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#x27;',
};

/** What stands in the body of an error. */
export function errorBody(error: HttpError): Readonly<Record<string, unknown>> {
  return {
    code: error.status,
    message: error.message.replace(/[&<>"']/g, (character) => entities[character]!),
    explain: errorStatuses[error.status][1],
  };
}

export const reasonPhrase = (status: ErrorStatus): string => errorStatuses[status][0];
