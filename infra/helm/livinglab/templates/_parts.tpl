{{/* What every part has in common. Each helper takes the root context, or a dict with `root` and `part`. */}}

{{- define "livinglab.name" -}}
{{ printf "%s-%s" .root.Release.Name .part | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "livinglab.selector" -}}
app.kubernetes.io/name: livinglab
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "livinglab.labels" -}}
{{ include "livinglab.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "livinglab.pod" -}}
serviceAccountName: {{ include "livinglab.name" (dict "root" .root "part" "parts") }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "livinglab.image" -}}
image: {{ printf "%s:%s" .root.Values.image.repository .root.Values.image.tag | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "livinglab.podAddress" -}}
- name: POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
{{- end }}

{{- define "livinglab.airflowEnvironment" -}}
- {name: LIVINGLAB_HOME, value: /var/lib/livinglab/home}
- {name: LIVINGLAB_SITE, value: /opt/livinglab/infra/sites/production.toml}
- {name: AIRFLOW_HOME, value: /var/lib/livinglab/airflow}
- {name: AIRFLOW__CORE__EXECUTOR, value: LocalExecutor}
- {name: AIRFLOW__CORE__PARALLELISM, value: "4"}
- name: AIRFLOW__CORE__EXECUTION_API_SERVER_URL
  value: http://{{ include "livinglab.name" (dict "root" .root "part" "api-server") }}:8080/execution/
- {name: AIRFLOW__LOGGING__BASE_LOG_FOLDER, value: /var/lib/livinglab/airflow/logs}
{{- end }}

{{- define "livinglab.siteEnvironment" -}}
{{ include "livinglab.airflowEnvironment" . }}
- {name: LIVINGLAB_KEYS, value: /var/lib/livinglab/keys}
{{- end }}

{{- define "livinglab.scratchMounts" -}}
- {name: scratch, mountPath: /tmp}
- {name: secrets, mountPath: /run/secrets, readOnly: true}
{{- end }}

{{- define "livinglab.engineMounts" -}}
- {name: lake, mountPath: /var/lib/livinglab/home/lake}
- {name: staged, mountPath: /var/lib/livinglab/home/work}
{{- end }}

{{- define "livinglab.siteFileMount" -}}
- {name: site, mountPath: /opt/livinglab/infra/sites/production.toml, subPath: production.toml, readOnly: true}
{{- end }}

{{- define "livinglab.siteMounts" -}}
- {name: home, mountPath: /var/lib/livinglab/home}
{{ include "livinglab.engineMounts" . }}
- {name: landing, mountPath: /var/lib/livinglab/home/landing}
- {name: keys, mountPath: /var/lib/livinglab/keys}
- {name: airflow, mountPath: /var/lib/livinglab/airflow}
{{ include "livinglab.siteFileMount" . }}
- {name: authority, mountPath: /etc/livinglab/database, readOnly: true}
{{- end }}

{{/* Claims by name: (dict "root" $ "claims" (list "home" …)) */}}
{{- define "livinglab.claims" -}}
{{- $root := .root }}
{{- range .claims }}
- name: {{ . }}
  persistentVolumeClaim:
    claimName: {{ (index $root.Values.volumes .).existingClaim | default (include "livinglab.name" (dict "root" $root "part" .)) }}
{{- end }}
{{- end }}

{{- define "livinglab.scratch" -}}
- name: scratch
  emptyDir: {sizeLimit: {{ .size }}}
{{- end }}

{{- define "livinglab.siteFile" -}}
- name: site
  configMap:
    name: {{ include "livinglab.name" (dict "root" .root "part" "site") }}
{{- end }}

{{- define "livinglab.authority" -}}
- name: authority
  configMap:
    name: {{ .root.Values.databases.authority }}
{{- end }}

{{/* Files of secrets: (dict "root" $ "files" (dict "site" (list "vault_password") …)) */}}
{{- define "livinglab.secrets" -}}
{{- $root := .root }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range $secret, $files := .files }}
      - secret:
          name: {{ index $root.Values.secrets $secret }}
          items:
            {{- range $files }}
            - {key: {{ . }}, path: {{ . }}}
            {{- end }}
      {{- end }}
{{- end }}

{{- define "livinglab.tcpProbes" -}}
startupProbe:
  tcpSocket: {port: {{ .port }}}
  periodSeconds: 5
  failureThreshold: 60
readinessProbe:
  tcpSocket: {port: {{ .port }}}
  periodSeconds: 10
livenessProbe:
  tcpSocket: {port: {{ .port }}}
  periodSeconds: 20
  failureThreshold: 6
{{- end }}

{{- define "livinglab.jobProbes" -}}
startupProbe:
  exec: {command: [airflow, jobs, check, --job-type, {{ .job }}, --local]}
  periodSeconds: 15
  timeoutSeconds: 50
  failureThreshold: 40
livenessProbe:
  exec: {command: [airflow, jobs, check, --job-type, {{ .job }}, --local]}
  periodSeconds: 60
  timeoutSeconds: 50
  failureThreshold: 5
{{- end }}
