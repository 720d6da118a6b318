package resource

import (
	"cmp"
	"strings"
	"unicode/utf8"
)

// ServiceKey names a service. Namespace is canonical: never empty.
type ServiceKey struct {
	Namespace string
	Group     string
	Name      string
}

// String returns the key for logs and messages: namespace/group/name.
func (k ServiceKey) String() string { return k.Namespace + "/" + k.Group + "/" + k.Name }

// Grouped returns group@@name, the form of most of Nacos' answers.
func (k ServiceKey) Grouped() string { return k.Group + GroupSeparator + k.Name }

// Parts returns the three names of which the key consists.
func (k ServiceKey) Parts() (namespace, group, name string) { return k.Namespace, k.Group, k.Name }

// Compare orders keys by namespace, group and name.
func (k ServiceKey) Compare(o ServiceKey) int {
	return cmp.Or(strings.Compare(k.Namespace, o.Namespace), strings.Compare(k.Group, o.Group), strings.Compare(k.Name, o.Name))
}

// Clone returns a copy that shares no bytes with what k's strings were cut from.
func (k ServiceKey) Clone() ServiceKey {
	return ServiceKey{Namespace: strings.Clone(k.Namespace), Group: strings.Clone(k.Group), Name: strings.Clone(k.Name)}
}

// GroupSeparator stands between group and name of a service where both are one text.
const GroupSeparator = "@@"

// DefaultCluster is the cluster of an instance that names none.
const DefaultCluster = "DEFAULT"

// Limits of the names of services, in characters.
const (
	MaxServiceName = 512
	MaxCluster     = 64
	MaxIP          = 128
)

// The fields of a service and its instances that a rule can complain about, in the spelling of Nacos' messages.
const (
	FieldService Field = "serviceName"
	FieldCluster Field = "cluster"
	FieldIP      Field = "ip"
)

// CheckServiceKey returns a Violation when k's name or group is blank or illegal, or its namespace illegal.
func CheckServiceKey(k ServiceKey) error {
	switch {
	case strings.TrimSpace(k.Name) == "":
		return &Violation{Field: FieldService, Missing: true}
	case strings.TrimSpace(k.Group) == "":
		return &Violation{Field: FieldGroup, Missing: true}
	}
	if err := CheckNamespace(k.Namespace); err != nil {
		return err
	}
	if err := CheckServiceName(k.Name); err != nil {
		return err
	}
	return check(FieldGroup, k.Group, MaxGroup, isNameByte)
}

// CheckServiceName returns a Violation when name is no legal name of a service: it holds blanks, CJK or control
// characters, begins with @, or holds the @@ that parts it from its group. Blank is legal here.
func CheckServiceName(name string) error {
	if err := checkText(FieldService, name, MaxServiceName); err != nil {
		return err
	}
	if strings.HasPrefix(name, "@") || strings.Contains(name, GroupSeparator) {
		return &Violation{Field: FieldService, Value: name}
	}
	return nil
}

// CheckCluster returns a Violation when name is no legal name of a cluster; blank is legal here, as it means the
// default one. An underscore is what Nacos' parameter check lets pass; registering refuses it.
func CheckCluster(name string) error { return check(FieldCluster, name, MaxCluster, isNamespaceByte) }

// CheckIP returns a Violation when ip is no legal address of an instance: any text without blanks, CJK and control
// characters is, as host names are used, too.
func CheckIP(ip string) error { return checkText(FieldIP, ip, MaxIP) }

// checkText is the rule of names in which any characters but blanks, CJK and control characters may stand.
func checkText(f Field, value string, most int) error {
	if len(value) > most && utf8.RuneCountInString(value) > most {
		return &Violation{Field: f, Value: value, Max: most}
	}
	for _, c := range value {
		if c <= ' ' || c == 0x7f || c >= 0x4e00 && c <= 0x9fa5 || c == utf8.RuneError {
			return &Violation{Field: f, Value: value}
		}
	}
	return nil
}
