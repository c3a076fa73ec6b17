# Extra steps, as the original's file had them
RUN echo hello >/etc/greeting \
 && chmod 0644 /etc/greeting
USER 4242
ENV EXTRA=1
