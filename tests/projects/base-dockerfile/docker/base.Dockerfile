# syntax=docker/dockerfile:1
ARG PYTHON=3.11

# What the model reads is made by a tool that stays behind.
FROM debian:bookworm-slim
RUN mkdir /made \
    # a comment inside the line
 && echo words >/made/words

FROM python:${PYTHON}-slim-bookworm
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN echo "a word" | wc -w >/opt/count
COPY --from=0 /made/ /opt/made/
COPY --from=registry.example/team/tools:2 /bin/tool /usr/local/bin/tool
COPY ["docker/settings.ini", "docker/more/", "/opt/settings/"]
COPY --chown=1000:0 tools/*.sh \
     /opt/tools/
VOLUME /data
USER 1000
WORKDIR /home/somebody
ENTRYPOINT ["/opt/tools/enter.sh"]
