package resource

import (
	"errors"
	"strconv"
	"strings"
)

// Illegal is what Nacos' parameter check says of a character that is not allowed.
func Illegal(field string) string {
	return "Param '" + field + "' is illegal, illegal characters should not appear in the param."
}

// PortRange is what Nacos' parameter check says of a port that is none.
const PortRange = "Param 'port' is illegal, the value should be between 0 and 65535."

// TooLong is what Nacos' parameter check says of a value of more than most characters.
func TooLong(field string, most int) string {
	return "Param '" + field + "' is illegal, the param length should not exceed " + strconv.Itoa(most) + "."
}

// Refusal words a broken name rule as Nacos' parameter check does; ok is false when err is none, or says that
// a name is missing.
func Refusal(err error) (text string, ok bool) {
	if err == nil {
		return "", false // before v, which would be allocated for each request
	}
	var v *Violation
	if !errors.As(err, &v) || v.Missing {
		return "", false
	}
	if v.Max == 0 {
		return Illegal(string(v.Field)), true
	}
	return TooLong(string(v.Field), v.Max), true
}

// CheckNames is the parameter check of a namespace, a dataId and a group, blank ones passing. It
// returns the text of the refusal, "" when there is none.
func CheckNames(namespace, dataID, group string) string {
	if strings.TrimSpace(namespace) != "" {
		if text, bad := Refusal(CheckNamespace(namespace)); bad {
			return text
		}
	}
	if strings.TrimSpace(dataID) != "" {
		if text, bad := Refusal(CheckName(FieldDataID, dataID)); bad {
			return text
		}
	}
	if strings.TrimSpace(group) != "" {
		if text, bad := Refusal(CheckName(FieldGroup, group)); bad {
			return text
		}
	}
	return ""
}
