package wire

import (
	"errors"

	"nacre/server/config"
	"nacre/server/config/transfer"
	"nacre/server/fault"
	"nacre/server/namespace"
	"nacre/server/resource"
)

// Code is a number of Nacos' error table, the code of a Result.
type Code int

// The codes that this server answers (protocol notes, http.md §3.3).
const (
	Success               Code = 0
	ParameterMissing      Code = 10000
	AccessDenied          Code = 10001
	DataAccessError       Code = 10002
	TenantParamError      Code = 20001
	ParameterInvalid      Code = 20002
	MediaTypeError        Code = 20003
	ResourceNotFound      Code = 20004
	ResourceConflict      Code = 20005
	GrayTooMany           Code = 20010
	GrayRuleFormat        Code = 20011
	GrayRuleVersion       Code = 20012
	OverClusterQuota      Code = 5031
	OverGroupQuota        Code = 5032
	OverTenantQuota       Code = 5033
	OverMaxSize           Code = 5034
	WeightError           Code = 21001
	InstanceMetadataError Code = 21002
	InstanceNotFound      Code = 21003
	InstanceError         Code = 21004
	SelectorError         Code = 21006
	ServiceExists         Code = 21007
	ServiceNotExist       Code = 21008
	ServiceDeleteFailure  Code = 21009
	IllegalNamespace      Code = 22000
	NamespaceNotExist     Code = 22001
	NamespaceExists       Code = 22002
	IllegalState          Code = 23000
	ServerError           Code = 30000
	APIDeprecated         Code = 40000
	APIDisabled           Code = 40001
	MetadataIllegal       Code = 100002
	DataInvalid           Code = 100003
	ParsingFailed         Code = 100004
	DataEmpty             Code = 100005
	NoSelectedConfig      Code = 100006
	// LegacyNamespaceNotExist is what v1 says where v3 says NamespaceNotExist.
	LegacyNamespaceNotExist Code = 100001
)

// Text returns the message that goes with the code in a Result.
func (c Code) Text() string {
	switch c {
	case Success:
		return "success"
	case ParameterMissing:
		return "parameter missing"
	case AccessDenied:
		return "access denied"
	case DataAccessError:
		return "data access error"
	case TenantParamError:
		return "'tenant' parameter error"
	case ParameterInvalid:
		return "parameter validate error"
	case MediaTypeError:
		return "MediaType Error"
	case ResourceNotFound:
		return "resource not found"
	case ResourceConflict:
		return "resource conflict"
	case GrayTooMany:
		return "config gray version version over max count"
	case GrayRuleFormat:
		return "config gray rule format invalid"
	case GrayRuleVersion:
		return "config gray rule version invalid"
	case OverClusterQuota:
		return "cluster capacity reach quota"
	case OverGroupQuota:
		return "group capacity reach quota"
	case OverTenantQuota:
		return "tenant capacity reach quota"
	case OverMaxSize:
		return "config content size is over limit"
	case WeightError:
		return "weight error"
	case InstanceMetadataError:
		return "instance metadata error"
	case InstanceNotFound:
		return "instance not found"
	case InstanceError:
		return "instance error"
	case SelectorError:
		return "selector error"
	case ServiceExists:
		return "service already exist"
	case ServiceNotExist:
		return "service not exist"
	case ServiceDeleteFailure:
		return "service delete failure"
	case IllegalNamespace:
		return "illegal namespace"
	case NamespaceNotExist, LegacyNamespaceNotExist:
		return "namespace not exist"
	case NamespaceExists:
		return "namespace already exist"
	case IllegalState:
		return "illegal state"
	case APIDeprecated:
		return "API deprecated."
	case APIDisabled:
		return "API function disabled."
	case MetadataIllegal:
		return "Imported metadata is invalid"
	case DataInvalid:
		return "Imported data validation failed"
	case ParsingFailed:
		return "Parsing data failed"
	case DataEmpty:
		return "Imported file data is empty"
	case NoSelectedConfig:
		return "No configuration selected"
	}
	return "server error"
}

// Refusal is a failure as v2 and v3 say it: the HTTP status, the Result's code, and the text of its data.
type Refusal struct {
	Status int
	Code   Code
	Text   string
}

// Error makes a Refusal an error that handlers can return.
func (r *Refusal) Error() string { return r.Text }

// Refuse returns a Refusal.
func Refuse(status int, code Code, text string) *Refusal {
	return &Refusal{Status: status, Code: code, Text: text}
}

// Missing is the refusal of a request without a required parameter; text is the version's wording.
func Missing(text string) *Refusal { return Refuse(400, ParameterMissing, text) }

// byCode holds what has a number of its own in Nacos' table.
var byCode = map[fault.Code]struct {
	status int
	code   Code
}{
	config.CodeCAS:            {500, ResourceConflict},
	config.CodeGrayTooMany:    {400, GrayTooMany},
	config.CodeGrayRuleFormat: {400, GrayRuleFormat},
	config.CodeGrayRule:       {400, GrayRuleVersion},
	config.CodeQuotaCluster:   {403, OverClusterQuota},
	config.CodeQuotaGroup:     {403, OverGroupQuota},
	config.CodeQuotaNamespace: {403, OverTenantQuota},
	config.CodeMaxSize:        {403, OverMaxSize},
	config.CodeTooLarge:       {413, ParameterInvalid},
	config.CodeBlank:          {400, ParameterInvalid},
	config.CodeEncoding:       {400, ParameterInvalid},
	config.CodeAttribute:      {400, ParameterInvalid},
	config.CodeTag:            {400, ParameterInvalid},
	namespace.CodeIllegal:     {400, IllegalNamespace},
	namespace.CodeIllegalName: {400, IllegalNamespace},
	namespace.CodeAbsent:      {404, NamespaceNotExist},
	namespace.CodeExists:      {400, NamespaceExists},
	namespace.CodeTooMany:     {403, OverClusterQuota},
	transfer.CodeTooMuch:      {413, ParameterInvalid},
}

var byKind = map[fault.Kind]struct {
	status int
	code   Code
}{
	fault.Invalid:     {400, ParameterInvalid},
	fault.NotFound:    {404, ResourceNotFound},
	fault.Conflict:    {409, ResourceConflict},
	fault.Denied:      {403, AccessDenied},
	fault.Limited:     {503, ServerError},
	fault.Unavailable: {503, ServerError},
	fault.Internal:    {500, ServerError},
}

// RefusalOf returns how v2 and v3 say err: a Refusal as it is, a fault by its code and kind, and
// anything else as an internal error without its text.
func RefusalOf(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	var v *resource.Violation
	if errors.As(err, &v) && v.Missing {
		return Refuse(400, ParameterMissing, "Required parameter '"+string(v.Field)+"' is not present.")
	}
	if known, ok := byCode[fault.CodeOf(err)]; ok {
		return Refuse(known.status, known.code, fault.TextOf(err))
	}
	known := byKind[fault.KindOf(err)]
	return Refuse(known.status, known.code, fault.TextOf(err))
}
