/* Response codes: the registered ones, with their names and default reason
 * phrases (IANA SIP parameters; RFC 3261 21 and its extensions). */
#ifndef SS_SIP_CODE_H
#define SS_SIP_CODE_H

#include "base/str.h"

#define SS_CODE_MAP(X)                                                         \
  X(100, TRYING, "Trying")                                                     \
  X(180, RINGING, "Ringing")                                                   \
  X(181, CALL_IS_BEING_FORWARDED, "Call Is Being Forwarded")                   \
  X(182, QUEUED, "Queued")                                                     \
  X(183, SESSION_PROGRESS, "Session Progress")                                 \
  X(199, EARLY_DIALOG_TERMINATED, "Early Dialog Terminated")                   \
  X(200, OK, "OK")                                                             \
  X(202, ACCEPTED, "Accepted")                                                 \
  X(204, NO_NOTIFICATION, "No Notification")                                   \
  X(300, MULTIPLE_CHOICES, "Multiple Choices")                                 \
  X(301, MOVED_PERMANENTLY, "Moved Permanently")                               \
  X(302, MOVED_TEMPORARILY, "Moved Temporarily")                               \
  X(305, USE_PROXY, "Use Proxy")                                               \
  X(380, ALTERNATIVE_SERVICE, "Alternative Service")                           \
  X(400, BAD_REQUEST, "Bad Request")                                           \
  X(401, UNAUTHORIZED, "Unauthorized")                                         \
  X(402, PAYMENT_REQUIRED, "Payment Required")                                 \
  X(403, FORBIDDEN, "Forbidden")                                               \
  X(404, NOT_FOUND, "Not Found")                                               \
  X(405, METHOD_NOT_ALLOWED, "Method Not Allowed")                             \
  X(406, NOT_ACCEPTABLE, "Not Acceptable")                                     \
  X(407, PROXY_AUTHENTICATION_REQUIRED, "Proxy Authentication Required")       \
  X(408, REQUEST_TIMEOUT, "Request Timeout")                                   \
  X(410, GONE, "Gone")                                                         \
  X(412, CONDITIONAL_REQUEST_FAILED, "Conditional Request Failed")             \
  X(413, REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")                 \
  X(414, REQUEST_URI_TOO_LONG, "Request-URI Too Long")                         \
  X(415, UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type")                     \
  X(416, UNSUPPORTED_URI_SCHEME, "Unsupported URI Scheme")                     \
  X(417, UNKNOWN_RESOURCE_PRIORITY, "Unknown Resource-Priority")               \
  X(420, BAD_EXTENSION, "Bad Extension")                                       \
  X(421, EXTENSION_REQUIRED, "Extension Required")                             \
  X(422, SESSION_INTERVAL_TOO_SMALL, "Session Interval Too Small")             \
  X(423, INTERVAL_TOO_BRIEF, "Interval Too Brief")                             \
  X(424, BAD_LOCATION_INFORMATION, "Bad Location Information")                 \
  X(425, BAD_ALERT_MESSAGE, "Bad Alert Message")                               \
  X(428, USE_IDENTITY_HEADER, "Use Identity Header")                           \
  X(429, PROVIDE_REFERRER_IDENTITY, "Provide Referrer Identity")               \
  X(430, FLOW_FAILED, "Flow Failed")                                           \
  X(433, ANONYMITY_DISALLOWED, "Anonymity Disallowed")                         \
  X(436, BAD_IDENTITY_INFO, "Bad Identity Info")                               \
  X(437, UNSUPPORTED_CREDENTIAL, "Unsupported Credential")                     \
  X(438, INVALID_IDENTITY_HEADER, "Invalid Identity Header")                   \
  X(439, FIRST_HOP_LACKS_OUTBOUND_SUPPORT, "First Hop Lacks Outbound Support") \
  X(440, MAX_BREADTH_EXCEEDED, "Max-Breadth Exceeded")                         \
  X(469, BAD_INFO_PACKAGE, "Bad Info Package")                                 \
  X(470, CONSENT_NEEDED, "Consent Needed")                                     \
  X(480, TEMPORARILY_UNAVAILABLE, "Temporarily Unavailable")                   \
  X(481, CALL_DOES_NOT_EXIST, "Call/Transaction Does Not Exist")               \
  X(482, LOOP_DETECTED, "Loop Detected")                                       \
  X(483, TOO_MANY_HOPS, "Too Many Hops")                                       \
  X(484, ADDRESS_INCOMPLETE, "Address Incomplete")                             \
  X(485, AMBIGUOUS, "Ambiguous")                                               \
  X(486, BUSY_HERE, "Busy Here")                                               \
  X(487, REQUEST_TERMINATED, "Request Terminated")                             \
  X(488, NOT_ACCEPTABLE_HERE, "Not Acceptable Here")                           \
  X(489, BAD_EVENT, "Bad Event")                                               \
  X(491, REQUEST_PENDING, "Request Pending")                                   \
  X(493, UNDECIPHERABLE, "Undecipherable")                                     \
  X(494, SECURITY_AGREEMENT_REQUIRED, "Security Agreement Required")           \
  X(500, SERVER_INTERNAL_ERROR, "Server Internal Error")                       \
  X(501, NOT_IMPLEMENTED, "Not Implemented")                                   \
  X(502, BAD_GATEWAY, "Bad Gateway")                                           \
  X(503, SERVICE_UNAVAILABLE, "Service Unavailable")                           \
  X(504, SERVER_TIME_OUT, "Server Time-out")                                   \
  X(505, VERSION_NOT_SUPPORTED, "Version Not Supported")                       \
  X(513, MESSAGE_TOO_LARGE, "Message Too Large")                               \
  X(555, PUSH_NOTIFICATION_SERVICE_NOT_SUPPORTED,                              \
    "Push Notification Service Not Supported")                                 \
  X(580, PRECONDITION_FAILURE, "Precondition Failure")                         \
  X(600, BUSY_EVERYWHERE, "Busy Everywhere")                                   \
  X(603, DECLINE, "Decline")                                                   \
  X(604, DOES_NOT_EXIST_ANYWHERE, "Does Not Exist Anywhere")                   \
  X(606, NOT_ACCEPTABLE_ANYWHERE, "Not Acceptable")                            \
  X(607, UNWANTED, "Unwanted")                                                 \
  X(608, REJECTED, "Rejected")

enum {
#define X(code, name, reason) SS_CODE_##name = code,
  SS_CODE_MAP(X)
#undef X
};

/* The default reason phrase; of an unregistered code that of its class
 * (x00, RFC 3261 8.1.3.2). */
ss_str ss_code_reason(unsigned code);

#endif
