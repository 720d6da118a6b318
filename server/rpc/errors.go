package rpc

import (
	"strconv"

	"nacre/server/rpc/payload"
)

// The error codes of the protocol (grpc.md §2, Error codes).
const (
	codeFail       = 500
	codeStarting   = 300
	codeUnknown    = 301 // the connection is not registered
	codeNoHandler  = 302
	codeInvalid    = 400
	codeDenied     = 403
	codeNotFound   = 404
	codeBadGateway = 502
	codeOver       = 503
)

// reply is the answer to a unary request: an envelope, which may be shared between calls.
type reply struct{ b []byte }

// failed is what every failing answer begins with: resultCode and errorCode are never 200 and 0 then.
func failed(result, code int, message string) []byte {
	b := make([]byte, 0, 96+len(message))
	b = append(b, `{"resultCode":`...)
	b = strconv.AppendInt(b, int64(result), 10)
	b = append(b, `,"errorCode":`...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, `,"message":`...)
	b = payload.AppendString(b, message)
	return append(b, `,"success":false}`...)
}

// refuse answers before a handler ran: ErrorResponse with resultCode 500.
func refuse(code int, message string) reply {
	return reply{payload.Encode("ErrorResponse", "", failed(codeFail, code, message))}
}

// broken is what a handler answers that failed: ErrorResponse with both codes the same.
func broken(code int, message string) reply {
	return reply{payload.Encode("ErrorResponse", "", failed(code, code, message))}
}

// unparsable answers a body that is not what its type says, in the words of Nacos, which end with two spaces.
func unparsable(err error) reply {
	return refuse(codeBadGateway, "errCode: 101, errMsg: "+err.Error()+"  ")
}

// ownFields are the fields besides the common ones that an answer of some types has also when it fails.
var ownFields = map[string]string{
	"ConfigQueryResponse":             `,"lastModified":0,"beta":false}`,
	"ConfigChangeBatchListenResponse": `,"changedConfigs":[]}`,
}

// ownFailure answers in the response type of the request: what a check before the handler refuses
// (grpc.md §2, Shape).
func ownFailure(typ string, code int, message string) reply {
	typ = responseType(typ)
	body := failed(codeFail, code, message)
	if own, ok := ownFields[typ]; ok {
		body = append(body[:len(body)-1], own...)
	}
	return reply{payload.Encode(typ, "", body)}
}

// responseType returns the name of the answer to a request type.
func responseType(request string) string {
	const suffix = "Request"
	switch {
	case request == "ConfigBatchListenRequest":
		return "ConfigChangeBatchListenResponse"
	case request == "ServiceQueryRequest":
		return "QueryServiceResponse"
	case len(request) > len(suffix) && request[len(request)-len(suffix):] == suffix:
		return request[:len(request)-len(suffix)] + "Response"
	}
	return "ErrorResponse"
}
