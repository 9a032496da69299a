{{- /* A short-lived pass on a schedule; takes a dict of root, name, values and args. */}}
{{- define "icepack.cronjob" -}}
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {{ include "icepack.fullname" .root }}-{{ .name }}
  labels:
    {{- include "icepack.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .name }}
spec:
  schedule: {{ .values.schedule | quote }}
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 300
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        metadata:
          labels:
            {{- include "icepack.labels" .root | nindent 12 }}
            app.kubernetes.io/component: {{ .name }}
        spec:
          restartPolicy: Never
          {{- include "icepack.pod" .root | nindent 10 }}
          terminationGracePeriodSeconds: 60
          containers:
            - name: {{ .name }}
              {{- include "icepack.container" .root | nindent 14 }}
              args: {{- toYaml .args | nindent 16 }}
              env: {{- include "icepack.env" .root | nindent 16 }}
              resources: {{- toYaml .values.resources | nindent 16 }}
{{- end }}
